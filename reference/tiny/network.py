"""Transformer and text encoder: the stock classes hold the weights, and `Network` runs them fast enough to train on a CPU.

The forward pass here is the same arithmetic as that of diffusers and transformers in fewer, larger operations: compiled, matrix
products in bfloat16 where the processor has matrix units (the weights stay float32), one product for Q, K and V, rotations on
halves instead of pairs, the template's start computed once for all prompts, and batches of prompts of one length, so that no padding
is masked. check.py shows that it is the same.
"""

import functools

import torch
import torch.nn.functional as F
from diffusers import QwenImageTransformer2DModel
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

import world

HEADS, HEAD, GRID = 2, 128, 8  # of the transformer; GRID: patches along a side of a picture
TEXT, TEXT_HEADS, TEXT_KV = 128, 4, 2
VISION, VISION_HEADS = 64, 2
MERGED = 3  # vision tokens along a side of an 84-pixel picture: 6 patches, merged 2×2


def text_encoder(tokenizer):
    token = tokenizer.convert_tokens_to_ids
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer) + (-len(tokenizer)) % 8,
            "hidden_size": TEXT,
            "intermediate_size": 2 * TEXT,
            "num_hidden_layers": 3,
            "num_attention_heads": TEXT_HEADS,
            "num_key_value_heads": TEXT_KV,
            "max_position_embeddings": 4096,
            "rms_norm_eps": 1e-6,
            "rope_theta": 1000000.0,
            "rope_scaling": {"type": "mrope", "rope_type": "default", "mrope_section": [4, 6, 6]},
            "tie_word_embeddings": True,
            "use_sliding_window": False,
            "bos_token_id": token("<|endoftext|>"),
            "eos_token_id": token("<|im_end|>"),
        },
        vision_config={
            "depth": 2,
            "hidden_size": VISION,
            "intermediate_size": 2 * VISION,
            "num_heads": VISION_HEADS,
            "in_channels": 3,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "window_size": 56,
            "fullatt_block_indexes": [1],
            "out_hidden_size": TEXT,
            "tokens_per_second": 2,
            "hidden_act": "silu",
        },
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=True,
    )
    return Qwen2_5_VLForConditionalGeneration(config)


def transformer(layers=6):
    """The stock class; modulation and output start at zero, as is usual for diffusion transformers."""
    model = QwenImageTransformer2DModel(
        patch_size=2,
        in_channels=64,
        out_channels=16,
        num_layers=layers,
        attention_head_dim=HEAD,
        num_attention_heads=HEADS,
        joint_attention_dim=TEXT,
        axes_dims_rope=(16, 56, 56),
        zero_cond_t=True,
    )
    silent = [m[1] for b in model.transformer_blocks for m in (b.img_mod, b.txt_mod)] + [model.proj_out, model.norm_out.linear]
    for layer in silent:
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    return model


def pack(z):
    """Latents [n, 16, 16, 16] to tokens [n, 64, 64]: 2×2 patches, channel major."""
    n = len(z)
    return z.view(n, 16, GRID, 2, GRID, 2).permute(0, 2, 4, 1, 3, 5).reshape(n, GRID * GRID, 64)


def _halves(weight):
    """Rows of a projection reordered from pairs (2i, 2i+1) to halves (i, i+64) of each head: Q·K does not see it."""
    return weight.unflatten(0, (-1, HEAD // 2, 2)).transpose(1, 2).flatten(0, 2)


def _linear(x, weight, bias=None, dtype=torch.float32):
    return F.linear(x.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype))


def _rms(x, weight, eps=1e-6):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight


def _rotate(x, cos, sin):
    """x [n, s, heads, d] by cos, sin [s, d/2]; the partner of channel i is channel i + d/2."""
    x = x.unflatten(-1, (2, -1))
    turned = torch.stack([-sin, sin], 1)[:, None] * x.flip(-2)
    return (x * cos[:, None, None] + turned).flatten(-2)


def _attend(q, k, v, dtype, mask=None):
    """q, k, v [n, s, heads, d]; for some hundred tokens two plain products are faster, backwards, than PyTorch's fused attention."""
    q, k, v = (x.to(dtype).transpose(1, 2) for x in (q * q.shape[-1] ** -0.5, k, v))
    scores = (q @ k.mT).float()
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return (scores.softmax(-1).to(dtype) @ v).transpose(1, 2).flatten(2)


def _modulation(mods, part, index):
    """Row `part` of six, [n, 1, dim], or for each token that of the step's t (index 0) or of t = 0 (index 1)."""
    now, *zero = mods.chunk(2) if index is not None else (mods,)
    now = now[:, part].unsqueeze(1)
    return now if index is None else torch.where(index[:, None] == 0, now, zero[0][:, part].unsqueeze(1))


def _gelu(x):
    """GELU by tanh, written with a sigmoid: the same function, and exp is much cheaper here than tanh."""
    return x * torch.sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x))


def _stream(projections, norms, out, mlp):
    """The weights of one stream of a block, ready for `_block`."""
    q, k, v = projections
    weight = torch.cat([_halves(q.weight), _halves(k.weight), v.weight])
    bias = torch.cat([_halves(q.bias), _halves(k.bias), v.bias])
    first, last = mlp.net[0].proj, mlp.net[2]
    norms = [_halves(n.weight) for n in norms]
    return [weight, bias, *norms, out.weight, out.bias, first.weight, first.bias, last.weight, last.bias]


def _block(x, c, img_mods, txt_mods, index, rope, img, txt, dtype, last):
    """One dual-stream block; x [n, tokens, dim] pictures, c [n, tokens, dim] text. Of the last block only the target comes back."""
    cos, sin = rope
    streams = []
    for h, mods, weights, at in ((c, txt_mods, txt, None), (x, img_mods, img, index)):
        weight, bias, nq, nk = weights[:4]
        norm = F.layer_norm(h, h.shape[-1:], eps=1e-6)
        qkv = _linear(norm * (1 + _modulation(mods, 1, at)) + _modulation(mods, 0, at), weight, bias, dtype)
        q, k, v = qkv.unflatten(-1, (3 * HEADS, HEAD)).split(HEADS, 2)
        streams.append((_rms(q.float(), nq), _rms(k.float(), nk), v))
    q, k, v = (torch.cat(parts, 1) for parts in zip(*streams))
    text = c.shape[1]
    if last:
        target = GRID * GRID
        q = q[:, text : text + target]
        out = _attend(_rotate(q, cos[text : text + target], sin[text : text + target]), _rotate(k, cos, sin), v, dtype)
        rest = ((x[:, :target], img_mods[: len(x)], img, None, out),)
    else:
        out = _attend(_rotate(q, cos, sin), _rotate(k, cos, sin), v, dtype)
        rest = ((x, img_mods, img, index, out[:, text:]), (c, txt_mods, txt, None, out[:, :text]))
    results = []
    for h, mods, weights, at, o in rest:
        wo, bo, w1, b1, w2, b2 = weights[4:]
        h = h + _modulation(mods, 2, at) * _linear(o, wo, bo, dtype)
        norm = F.layer_norm(h, h.shape[-1:], eps=1e-6) * (1 + _modulation(mods, 4, at)) + _modulation(mods, 3, at)
        results.append(h + _modulation(mods, 5, at) * _linear(_gelu(_linear(norm, w1, b1, dtype).float()), w2, b2, dtype))
    return results


def _text_layer(p, h, rope, weights, dtype):
    """One causal layer; p [1, s, TEXT] is the start that all rows share, h [n, s, TEXT] the rest of each row."""
    n1, wq, bq, wk, bk, wv, bv, wo, n2, wg, wu, wd = weights
    d, start = TEXT // TEXT_HEADS, p.shape[1]
    mask = torch.ones(start + h.shape[1], start + h.shape[1], dtype=torch.bool, device=h.device).tril()
    weight, bias, gate_up = torch.cat([wq, wk, wv]), torch.cat([bq, bk, bv]), torch.cat([wg, wu])
    keys, values, results = [], [], []
    for x, at in ((p, slice(0, start)), (h, slice(start, None))):
        qkv = _linear(_rms(x, n1), weight, bias, dtype).unflatten(-1, (TEXT_HEADS + 2 * TEXT_KV, d))
        q, k, v = qkv.split([TEXT_HEADS, TEXT_KV, TEXT_KV], 2)
        q, k = (_rotate(t.float(), rope[0][at], rope[1][at]) for t in (q, k))
        keys.append(k.expand(len(x), -1, -1, -1).repeat_interleave(TEXT_HEADS // TEXT_KV, 2))
        values.append(v.repeat_interleave(TEXT_HEADS // TEXT_KV, 2))
        k, v = (torch.cat([t.expand(len(x), -1, -1, -1) for t in ts], 1) for ts in (keys, values))
        x = x + _linear(_attend(q, k, v, dtype, mask[at, : k.shape[1]]), wo, None, dtype)
        gate, up = _linear(_rms(x, n2), gate_up, None, dtype).float().chunk(2, -1)
        results.append(x + _linear(F.silu(gate) * up, wd, None, dtype))
    return results


def _vision_layer(h, rope, mask, weights, dtype):
    n1, wqkv, bqkv, wo, bo, n2, wg, bg, wu, bu, wd, bd = weights
    q, k, v = _linear(_rms(h, n1), wqkv, bqkv, dtype).unflatten(-1, (3, VISION_HEADS, VISION // VISION_HEADS)).unbind(2)
    h = h + _linear(_attend(_rotate(q.float(), *rope), _rotate(k.float(), *rope), v, dtype, mask=mask), wo, bo, dtype)
    gate, up = _linear(_rms(h, n2), torch.cat([wg, wu]), torch.cat([bg, bu]), dtype).float().chunk(2, -1)
    return h + _linear(F.silu(gate) * up, wd, bd, dtype)


@functools.cache
def _vision_geometry(theta=10000.0):
    """cos, sin [36, d/2] of the patches in the processor's order (2×2 blocks), and the mask [36, 36] of the 56-pixel windows."""
    blocks = [(by, bx) for by in range(MERGED) for bx in range(MERGED)]
    at = torch.tensor([(2 * by + y, 2 * bx + x) for by, bx in blocks for y in range(2) for x in range(2)]).float()
    quarter = VISION // VISION_HEADS // 2
    frequency = 1 / theta ** (torch.arange(0, quarter, 2).float() / quarter)
    angle = torch.cat([at[:, :1] * frequency, at[:, 1:] * frequency], 1)
    window = torch.tensor([(by // 2) * 2 + bx // 2 for by, bx in blocks]).repeat_interleave(4)
    return angle.cos(), angle.sin(), window[:, None] == window[None]


@functools.cache
def _text_rope(length, theta=1000000.0):
    d = TEXT // TEXT_HEADS
    angle = torch.arange(length).float()[:, None] / theta ** (torch.arange(0, d, 2).float() / d)
    return angle.cos(), angle.sin()


class Reader(torch.nn.Module):
    """Reads the exact answer off the prompt embeddings: a loss for the text encoder, no part of the exported model.

    Every prompt ends in the same five tokens. The first four are to tell what stands in each quarter of the answer (shape and color, or
    nothing), the fifth its background.
    """

    def __init__(self):
        super().__init__()
        self.shape, self.color = (torch.nn.Linear(TEXT, len(kinds) + 1) for kinds in (world.SHAPES, world.COLORS))
        self.background = torch.nn.Linear(TEXT, len(world.BACKGROUNDS))

    @staticmethod
    def labels(scenes):
        """Class numbers [n, 9]: shapes of the four quarters, their colors, the background; the last class is "nothing"."""
        shapes, colors, backgrounds = list(world.SHAPES), list(world.COLORS), list(world.BACKGROUNDS)
        rows = []
        for scene in scenes:
            at = {t.place: t for t in scene.things}
            row = [shapes.index(at[p].shape) if p in at else len(shapes) for p in world.PLACES]
            row += [colors.index(at[p].color) if p in at else len(colors) for p in world.PLACES]
            rows.append([*row, backgrounds.index(scene.background)])
        return torch.tensor(rows)

    def forward(self, text, scenes):
        """The loss, and the share of scenes that are read without a fault."""
        labels = self.labels(scenes).to(text.device)
        quarters, last = text[:, -5:-1], text[:, -1]
        guesses = [(self.shape(quarters), labels[:, :4]), (self.color(quarters), labels[:, 4:8]), (self.background(last), labels[:, 8])]
        loss = sum(F.cross_entropy(g.flatten(0, -2), wanted.flatten()) for g, wanted in guesses)
        right = torch.cat([(g.argmax(-1) == wanted).view(len(labels), -1) for g, wanted in guesses], 1).all(1)
        return loss, right.float().mean()


class Network(torch.nn.Module):
    """Weights: .text (Qwen2_5_VLForConditionalGeneration), .dit (QwenImageTransformer2DModel) and .reader."""

    def __init__(self, tokenizer, dtype=torch.float32, compiled=False):
        super().__init__()
        self.text, self.dit, self.reader, self.dtype = text_encoder(tokenizer), transformer(), Reader(), dtype
        wrap = functools.partial(torch.compile, dynamic=True) if compiled else lambda f: f
        self._layer, self._vision, self._block = wrap(_text_layer), wrap(_vision_layer), wrap(_block)
        self._rope = functools.cache(self._joint_rope)

    def _joint_rope(self, tokens, pictures):
        image, text = self.dit.pos_embed([[(1, GRID, GRID)] * pictures], max_txt_seq_len=tokens, device=torch.device("cpu"))
        both = torch.cat([text, image])
        return both.real.contiguous(), both.imag.contiguous()

    def pictures(self, patches):
        """Vision patches [n, 36, 588] (one frame of each 1176) to embeddings [n, 9, TEXT]."""
        vision = self.text.model.visual
        weight = vision.patch_embed.proj.weight.sum(2).flatten(1)  # a still picture repeats its frame
        h = _linear(patches, weight, None, self.dtype).float()
        cos, sin, window = (t.to(h.device) for t in _vision_geometry())
        for layer, block in enumerate(vision.blocks):
            a, m = block.attn, block.mlp
            weights = [block.norm1.weight, a.qkv.weight, a.qkv.bias, a.proj.weight, a.proj.bias, block.norm2.weight]
            weights += [m.gate_proj.weight, m.gate_proj.bias, m.up_proj.weight, m.up_proj.bias, m.down_proj.weight, m.down_proj.bias]
            full = layer in vision.config.fullatt_block_indexes
            h = self._vision(h, (cos, sin), torch.ones_like(window) if full else window, weights, self.dtype)
        h = _rms(h, vision.merger.ln_q.weight).reshape(len(h), MERGED * MERGED, 4 * VISION)
        first, _, last = vision.merger.mlp
        return _linear(F.gelu(_linear(h, first.weight, first.bias, self.dtype)), last.weight, last.bias, self.dtype).float()

    def embed(self, ids, drop, patches=None):
        """Token ids [n, s] to prompt embeddings [n, s − drop, TEXT]; the first `drop` tokens and the places of pictures are those of row 0."""
        model = self.text.model.language_model
        p, h = model.embed_tokens(ids[:1, :drop]), model.embed_tokens(ids[:, drop:])
        if patches is not None:
            n, count = patches.shape[:2]
            seen = self.pictures(patches.flatten(0, 1)).view(n, count * MERGED * MERGED, TEXT)
            h = h.index_copy(1, (ids[0, drop:] == self.text.config.image_token_id).nonzero()[:, 0], seen)
        rope = tuple(t.to(h.device) for t in _text_rope(ids.shape[1]))
        for layer in model.layers:
            a, m = layer.self_attn, layer.mlp
            weights = [layer.input_layernorm.weight, a.q_proj.weight, a.q_proj.bias, a.k_proj.weight, a.k_proj.bias]
            weights += [a.v_proj.weight, a.v_proj.bias, a.o_proj.weight, layer.post_attention_layernorm.weight]
            weights += [m.gate_proj.weight, m.up_proj.weight, m.down_proj.weight]
            p, h = self._layer(p, h, rope, weights, self.dtype)
        return _rms(h, model.norm.weight)

    def forward(self, target, references, t, text):
        """Velocity [n, 64, 64] of the target tokens at times t [n]; references [n, 64·pictures, 64], text [n, s, TEXT]."""
        d = self.dit
        x = _linear(torch.cat([target, references], 1), d.img_in.weight, d.img_in.bias, self.dtype).float()
        c = _linear(_rms(text, d.txt_norm.weight), d.txt_in.weight, d.txt_in.bias, self.dtype).float()
        index = (torch.arange(x.shape[1], device=x.device) >= target.shape[1]).int()
        temb = F.silu(d.time_text_embed(torch.cat([t, t * 0]), x))
        now = temb[: len(t)]
        rope = tuple(r.to(x.device) for r in self._rope(c.shape[1], x.shape[1] // target.shape[1]))
        for b in d.transformer_blocks:
            a = b.attn
            img = _stream((a.to_q, a.to_k, a.to_v), (a.norm_q, a.norm_k), a.to_out[0], b.img_mlp)
            txt = _stream((a.add_q_proj, a.add_k_proj, a.add_v_proj), (a.norm_added_q, a.norm_added_k), a.to_add_out, b.txt_mlp)
            img_mods, txt_mods = (m(e).unflatten(-1, (6, -1)) for m, e in ((b.img_mod[1], temb), (b.txt_mod[1], now)))
            last = b is d.transformer_blocks[-1]
            x, *c = self._block(x, c, img_mods, txt_mods, index, rope, img, txt, self.dtype, last)
            c = c[0] if c else None
        scale, shift = d.norm_out.linear(now).unsqueeze(1).chunk(2, -1)
        x = F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift
        return _linear(x, d.proj_out.weight, d.proj_out.bias, self.dtype).float()

