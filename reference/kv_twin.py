"""The reference-image KV cache on diffusers' own transformer: what the Java cache is compared with.

    with kv_twin.Twin(pipe.transformer, kv_twin.RefCache("anchored", warmup=1)):
        pipe(...)

Inside the `with`, QwenImageTransformer2DModel.forward runs, in every block, only the image rows that the policy computes in
that step. All arithmetic stays diffusers': its blocks get those rows with the rotary frequencies and modulation rows that
the rows have in the full sequence. Its attention processor hands queries, keys and values to `dispatch_attention_fn` after
QK-norm and RoPE, text first; there the rows of the references go to the store, and the store takes their place, whole.
"""

from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from math import prod
from unittest import mock

import torch
from diffusers.models.transformers import transformer_qwenimage as source

POLICIES = ("off", "anchored", "rolling", "causal", "causal_full")


@dataclass(frozen=True)
class RefCache:
    """`layers`: first and last block, both included, from 0; `every` None: never again after the warm-up.

    `causal_full` runs all rows under the mask in every step; `causal` runs each reference alone at t = 0 before the first step.
    """

    policy: str
    warmup: int = 1
    every: int | None = None
    layers: tuple[int, int] | None = None
    groups: int | None = None

    def __post_init__(self):
        if self.policy not in POLICIES:
            raise ValueError(f"ref_cache: policy {self.policy!r}, expected one of {', '.join(POLICIES)}")
        if self.warmup < 1 or (self.every is not None and self.every < 1):
            raise ValueError(f"ref_cache: warmup {self.warmup} and every {self.every} must be at least 1")
        if (self.policy == "rolling") != (self.groups is not None) or (self.groups is not None and self.groups < 1):
            raise ValueError(f"ref_cache: groups {self.groups} with {self.policy}: rolling takes 1 or more, others none")
        if self.policy != "anchored" and (self.every is not None or self.layers is not None):
            raise ValueError(f"ref_cache: every and layers belong to anchored, not to {self.policy}")

    def record(self):
        """For a request's `ref_cache`: null for what the policy doesn't have."""
        warmup = self.warmup if self.policy in ("anchored", "rolling") else None
        return {**asdict(self), "warmup": warmup, "layers": list(self.layers) if self.layers else None}

    def full(self, step):
        if self.policy in ("off", "causal_full"):
            return True
        if self.policy == "anchored":
            again = self.every is not None and (step - (self.warmup - 1)) % self.every == 0
            return step < self.warmup or again
        return self.policy == "rolling" and (step < self.warmup or self.groups == 1)

    def computed(self, step, layer, references):
        """The reference rows that block `layer` computes in `step`, counted over all references joined."""
        rows = torch.arange(references)
        if self.full(step) or (self.layers and not self.layers[0] <= layer <= self.layers[1]):
            return rows
        if self.policy == "rolling":
            return rows[rows % self.groups == (step - self.warmup) % self.groups]
        return rows[:0]


class Store:
    """What one CFG branch keeps: per block the references' keys and values, [1, rows, heads, head_dim]."""

    def __init__(self):
        self.steps, self.keys, self.values, self.resumed = 0, {}, {}, None

    def put(self, layer, rows, references, key, value):
        if layer not in self.keys:
            # NaN where nothing was written yet: a row read too early shows.
            shape = (1, references, *key.shape[2:])
            self.keys[layer], self.values[layer] = torch.full(shape, torch.nan), torch.full(shape, torch.nan)
        self.keys[layer][:, rows], self.values[layer][:, rows] = key, value


class Twin:
    """`gather` False computes all rows in every step and keeps of the references only what the policy would compute.

    The rows then need no selection of frequencies or modulation: an independent way to the same output, for checks.
    """

    def __init__(self, model, policy, gather=True):
        if policy.policy.startswith("causal") and not model.config.zero_cond_t:
            raise ValueError(f"ref_cache: {policy.policy} needs a model with zero_cond_t, the references' own t = 0")
        if policy.layers and not 0 <= policy.layers[0] <= policy.layers[1] < len(model.transformer_blocks):
            raise ValueError(f"ref_cache: layers {policy.layers}, expected within 0-{len(model.transformer_blocks) - 1}")
        self.model, self.policy, self.gather = model, policy, gather
        self.stores, self.branch, self.attend = {}, "cond", None

    def __enter__(self):
        twin, original = self, source.dispatch_attention_fn

        def forward(model, **kwargs):
            assert model is twin.model
            return twin.forward(**kwargs)

        @contextmanager
        def cache_context(model, name, **kwargs):
            before, twin.branch = twin.branch, name
            try:
                yield
            finally:
                twin.branch = before

        def dispatch(query, key, value, attn_mask=None, **kwargs):
            assert attn_mask is None
            key, value, mask = twin.attend(key, value)
            return original(query, key, value, attn_mask=mask, **kwargs)

        kind = type(self.model)
        self.stack = ExitStack()
        self.stack.enter_context(mock.patch.object(kind, "forward", forward))
        self.stack.enter_context(mock.patch.object(kind, "cache_context", cache_context))
        self.stack.enter_context(mock.patch.object(source, "dispatch_attention_fn", dispatch))
        return self

    def __exit__(self, *_):
        self.stack.close()

    def forward(self, hidden_states, encoder_hidden_states, timestep, img_shapes, encoder_hidden_states_mask=None,
                guidance=None, attention_kwargs=None, additional_t_cond=None, return_dict=False):
        assert hidden_states.shape[0] == 1 and encoder_hidden_states_mask is None and guidance is None
        assert not attention_kwargs and not return_dict
        sizes = [prod(shape) for shape in img_shapes[0]]
        inputs = hidden_states, encoder_hidden_states, img_shapes, sizes, additional_t_cond
        store = self.stores.setdefault(self.branch, Store())
        if self.policy.policy == "causal" and store.steps == 0:
            for i in range(1, len(sizes)):
                self.prefill(store, i, *inputs)
        out = self.step(store, timestep, *inputs)
        store.steps += 1
        return (out,)

    def before_blocks(self, image, text, timestep, shapes, sizes, additional):
        """(image, text, conditioning, rotary, modulation row of each image row), as diffusers' forward makes them."""
        model = self.model
        image, index = model.img_in(image), None
        if model.zero_cond_t:
            timestep = torch.cat([timestep, timestep * 0])
            index = torch.tensor([[0] * sizes[0] + [1] * sum(sizes[1:])], dtype=torch.int)
        text = model.txt_in(model.txt_norm(text))
        conditioning = model.time_text_embed(timestep, image, additional)
        rotary = model.pos_embed(shapes, max_txt_seq_len=text.shape[1], device=image.device)
        return image, text, conditioning, rotary, index

    def block(self, layer, image, text, conditioning, rotary, index, rows):
        text, image[:, rows] = self.model.transformer_blocks[layer](
            hidden_states=image[:, rows], encoder_hidden_states=text, encoder_hidden_states_mask=None, temb=conditioning,
            image_rotary_emb=(rotary[0][rows], rotary[1]), modulate_index=None if index is None else index[:, rows])
        return text

    def step(self, store, timestep, image, text, shapes, sizes, additional):
        image, text, *rest = self.before_blocks(image, text, timestep, shapes, sizes, additional)
        target, references, texts = sizes[0], sum(sizes[1:]), text.shape[1]
        policy, full = self.policy, self.policy.full(store.steps)
        resume = policy.layers[1] + 1 if policy.layers else None
        mask = causal_mask(texts, sizes) if policy.policy == "causal_full" else None
        for layer in range(len(self.model.transformer_blocks)):
            if layer == resume and full:
                store.resumed = image[:, target:].clone()
            elif layer == resume:
                image[:, target:] = store.resumed
            fresh = policy.computed(store.steps, layer, references)
            computed = fresh if self.gather else torch.arange(references)
            rows = torch.cat([torch.arange(target), target + computed])

            def attend(key, value):
                assert key.shape[1] == texts + len(rows)
                own = texts + target
                given = slice(own, None) if self.gather else own + fresh
                store.put(layer, fresh, references, key[:, given], value[:, given])
                key = torch.cat([key[:, :own], store.keys[layer]], dim=1)
                value = torch.cat([value[:, :own], store.values[layer]], dim=1)
                return key, value, mask

            self.attend = attend
            text = self.block(layer, image, text, *rest, rows)
            assert text.shape[1] == texts
        out = image if full else image[:, :target]
        conditioning = rest[0].chunk(2)[0] if self.model.zero_cond_t else rest[0]
        return self.model.proj_out(self.model.norm_out(out, conditioning))

    def prefill(self, store, which, image, text, shapes, sizes, additional):
        """Reference `which` (from 1) alone, at t = 0: its rows attend to themselves.

        diffusers' block wants some text: it gets one row, whose key no row sees.
        """
        image, text, *rest = self.before_blocks(image, text[:, :1], torch.zeros(1), shapes, sizes, additional)
        start = sum(sizes[:which])
        rows, references = torch.arange(start, start + sizes[which]), sum(sizes[1:])
        for layer in range(len(self.model.transformer_blocks)):

            def attend(key, value):
                key, value = key[:, 1:], value[:, 1:]
                store.put(layer, rows - sizes[0], references, key, value)
                return key, value, None

            self.attend = attend
            text = self.block(layer, image, text, *rest, rows)


def of(model, record):
    """A context with the policy of a request's `ref_cache`; one without any when that is None."""
    if record is None:
        return nullcontext()
    return Twin(model, RefCache(**{k: tuple(v) if k == "layers" else v for k, v in record.items() if v is not None}))


def causal_mask(texts, sizes):
    """[1, 1, N, N], true where a query may look: a reference's rows at themselves, text and target rows at everything."""
    owner = torch.cat([torch.zeros(texts + sizes[0]), *(torch.full((n,), float(i)) for i, n in enumerate(sizes[1:], 1))])
    return ((owner[:, None] == 0) | (owner[:, None] == owner[None, :]))[None, None]
