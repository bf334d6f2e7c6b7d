"""The reduced tokenizer: the part of the Qwen2.5-VL tokenizer (Apache-2.0) that the world's prompts use.

All 256 bytes stay, so any text can be written; of the merges stay those that some prompt needs. On the world's prompts and on both
templates it cuts exactly as the full tokenizer does, which `build` checks; other words fall into smaller pieces.
"""

import gzip
import json

import prompts
import run
import tokenizer as golden  # of the goldens: it knows the published tokenizer
import world

ADDED = 14  # <|endoftext|> to <|video_pad|>; the tool and file marks are left out


def _write(folder, merges, added, config):
    """A tokenizer folder from merges in order of rank and added tokens."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges)
    vocab, kept = golden.derived_vocab(text), {t["content"] for t in added}
    special = [t for t in config.get("additional_special_tokens", []) if t in kept]
    config = {**config, "additional_special_tokens": special, "added_tokens_decoder": {str(len(vocab) + i): t for i, t in enumerate(added)}}
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), "utf-8")
    (folder / "merges.txt").write_text(text, "utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1), "utf-8")
    return prompts.tokenizer(folder)


def _used(word, ranks, seen):
    """Splits one word by BPE and notes the merges that it took."""
    parts = list(word)
    while len(parts) > 1:
        rank, i = min((ranks.get(pair, len(ranks)), i) for i, pair in enumerate(zip(parts, parts[1:])))
        if rank == len(ranks):
            break
        seen.add(rank)
        parts[i : i + 2] = [parts[i] + parts[i + 1]]


def _texts():
    yield from (prompts.template(kind).format(" Picture 1: Picture 2: Picture 3: Picture 4:") for kind in ("edit", "generate"))
    yield from world.corpus()


def build(folder):
    """Writes the reduced tokenizer to `folder` and returns it."""
    config = json.loads((golden.RESOURCE / "tokenizer_config.json").read_text("utf-8"))
    added = list(config["added_tokens_decoder"].values())
    with gzip.open(golden.RESOURCE / "merges.txt.gz", "rt", encoding="utf-8") as f:
        merges = [tuple(line.rstrip("\n").split(" ")) for line in f if not line.startswith("#version") and line.strip()]
    full = golden.load_qwen()
    ranks, seen, words = {pair: i for i, pair in enumerate(merges)}, set(), set()
    marks = [t["content"] for t in added]
    for text in _texts():
        for mark in marks:
            text = text.replace(mark, "\0")
        for part in text.split("\0"):
            words.update(w for w, _ in full.backend_tokenizer.pre_tokenizer.pre_tokenize_str(part))
    for word in words:
        _used(word, ranks, seen)
    reduced = _write(folder, [merges[r] for r in sorted(seen)], added[:ADDED], config)
    for text in _texts():
        expected, got = (t.convert_ids_to_tokens(t(text)["input_ids"]) for t in (full, reduced))
        if expected != got:
            run.fail(f"the reduced tokenizer cuts {text!r} into {got}, the full one into {expected}")
    for kind, drop in prompts.DROP.items():
        prefix = len(reduced(prompts.template(kind).split("{}")[0])["input_ids"])
        if prefix != drop:
            run.fail(f"the {kind} template starts with {prefix} tokens, the pipeline drops {drop}")
    return reduced
