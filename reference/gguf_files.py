"""golden/gguf/*: files that gguf-py writes, to hold the reader against.

types.gguf: every type of metadata value and every type of tensor that is read; types.safetensors: the same tensors in float32,
dequantised by gguf-py. text.gguf and mmproj.gguf: the metadata of the tiny model's text encoder and vision tower as llama.cpp's
conversion/base.py and conversion/qwen.py write them (keys, types, tokenizer), without tensors, which Java's test adds.
names.json: gguf-py's name for every tensor of transformers, of tiny and of published models."""

import json
import logging

import gguf
import numpy as np
import torch
from transformers import AutoConfig, AutoTokenizer

import common

SEED = 910
FOLDER = common.GOLDEN / "gguf"
TYPES = ("F32", "F16", "BF16", "Q8_0", "Q6_K", "Q5_K", "Q5_1", "Q5_0", "Q4_K", "Q4_1", "Q4_0", "Q3_K", "Q2_K", "IQ4_NL", "IQ4_XS")
WHOLE = {"I8": np.int8, "I16": np.int16, "I32": np.int32, "I64": np.int64}


def finite_block(kind, random):
    """One block of random bits whose scales are numbers."""
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    while True:
        drawn = random.integers(0, 256, size, dtype=np.uint8)
        values = gguf.quants.dequantize(drawn, kind)
        if np.isfinite(values).all():
            return drawn


def stored(kind, shape, random):
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    if elements == 1:
        return gguf.quants.quantize(random.normal(0, 1, shape).astype(np.float32), kind)
    blocks = [finite_block(kind, random) for _ in range(int(np.prod(shape)) // elements)]
    return np.concatenate(blocks).reshape(*shape[:-1], shape[-1] // elements * size)


def write_types():
    random = np.random.default_rng(SEED)
    writer = gguf.GGUFWriter(FOLDER / "types.gguf", "test")
    writer.add_custom_alignment(64)
    values = gguf.GGUFValueType
    scalars = {
        values.UINT8: (0, 255), values.INT8: (-128, 127), values.UINT16: (0, 65535), values.INT16: (-32768, 32767),
        values.UINT32: (0, 2**32 - 1), values.INT32: (-2**31, 2**31 - 1), values.UINT64: (0, 2**64 - 1),
        values.INT64: (-2**63, 2**63 - 1), values.FLOAT32: (-0.5, 1e-6), values.FLOAT64: (0.1, 1e300), values.BOOL: (False, True),
        values.STRING: ("", "Grüße, 世界 🖼"),
    }
    for kind, (low, high) in scalars.items():
        writer.add_key_value(f"low.{kind.name}", low, kind)
        writer.add_key_value(f"high.{kind.name}", high, kind)
        writer.add_key_value(f"array.{kind.name}", [low, high, low], values.ARRAY, kind)
    writer.add_key_value("long", list(range(1000)), values.ARRAY, values.UINT32)
    expected = {}
    for name in TYPES:
        kind = gguf.GGMLQuantizationType[name]
        data = stored(kind, (3, 2, 256), random)
        writer.add_tensor(f"blocks.{name}", data, raw_dtype=kind)
        expected[f"blocks.{name}"] = torch.from_numpy(gguf.quants.dequantize(data, kind).reshape(3, 2, 256).copy())
    row = random.normal(0, 1, 5).astype(np.float32)
    writer.add_tensor("row", row)
    expected["row"] = torch.from_numpy(row)
    for name, dtype in WHOLE.items():
        data = random.integers(np.iinfo(dtype).min // 2, np.iinfo(dtype).max // 2, (2, 3), dtype=dtype)
        writer.add_tensor(f"whole.{name}", data)
        expected[f"whole.{name}"] = torch.from_numpy(data.astype(np.int64))
    double = random.normal(0, 1, (2, 3))
    writer.add_tensor("double", double)
    expected["double"] = torch.from_numpy(double)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    common.wrote(FOLDER / "types.gguf", (SEED,))
    common.golden("gguf/types", "gguf", {"tensors": sorted(expected)}, expected, (SEED,))


def finish(writer, name):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    common.wrote(FOLDER / name)


def write_text(config):
    """Keys and their order of TextModel.set_gguf_parameters, tokens of get_vocab_base and _set_vocab_gpt2."""
    text = config.text_config
    rope = text.rope_parameters
    writer = gguf.GGUFWriter(FOLDER / "text.gguf", gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH.QWEN2VL])
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name("Tiny Qwen Image Edit")
    writer.add_block_count(text.num_hidden_layers)
    writer.add_context_length(text.max_position_embeddings)
    writer.add_embedding_length(text.hidden_size)
    writer.add_feed_forward_length(text.intermediate_size)
    writer.add_head_count(text.num_attention_heads)
    writer.add_head_count_kv(text.num_key_value_heads)
    writer.add_rope_dimension_sections([*rope["mrope_section"], 0])
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_layer_norm_rms_eps(text.rms_norm_eps)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    folder = common.TINY / "tokenizer"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    by_id = {i: token for token, i in tokenizer.get_vocab().items()}
    added = tokenizer.get_added_vocab()
    tokens, types = [], []
    for i in range(text.vocab_size):
        token = by_id.get(i)
        tokens.append(f"[PAD{i}]" if token is None else token)
        if token is None:
            types.append(gguf.TokenType.UNUSED)
        elif token not in added:
            types.append(gguf.TokenType.NORMAL)
        elif tokenizer.added_tokens_decoder[i].special:
            types.append(gguf.TokenType.CONTROL)
        else:
            types.append(gguf.TokenType.USER_DEFINED)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    gguf.SpecialVocab(folder, load_merges=True).add_to_gguf(writer, quiet=True)
    finish(writer, "text.gguf")


def write_mmproj(config):
    """Keys of MmprojModel.set_gguf_parameters and of Qwen2VLVisionModel's. The size of a window is a constant of 112 in
    llama.cpp and the tiny model's is another, so its key, which gguf-py has for other models, is written too."""
    vision = config.vision_config
    processor = json.loads((common.TINY / "processor/processor_config.json").read_text("utf-8"))["image_processor"]
    writer = gguf.GGUFWriter(FOLDER / "mmproj.gguf", gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH.MMPROJ])
    writer.add_type(gguf.GGUFType.MMPROJ)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_clip_has_vision_encoder(True)
    writer.add_vision_projection_dim(config.text_config.hidden_size)
    writer.add_vision_image_size(560)
    writer.add_vision_patch_size(vision.patch_size)
    writer.add_vision_embedding_length(vision.hidden_size)
    writer.add_vision_feed_forward_length(vision.intermediate_size)
    writer.add_vision_block_count(vision.depth)
    writer.add_vision_head_count(vision.num_heads)
    writer.add_vision_image_mean(processor["image_mean"])
    writer.add_vision_image_std(processor["image_std"])
    writer.add_clip_projector_type(gguf.VisionProjectorType.QWEN25VL)
    writer.add_vision_use_silu(True)
    writer.add_vision_n_wa_pattern(vision.fullatt_block_indexes[0] + 1)
    writer.add_vision_attention_layernorm_eps(1e-6)
    writer.add_vision_window_size(vision.window_size)
    finish(writer, "mmproj.gguf")


def names():
    """One decoder layer, one vision block, and what is outside of them; numbers above 9 are in too."""
    text = gguf.get_tensor_name_map(gguf.MODEL_ARCH.QWEN2VL, 28)
    vision = gguf.get_tensor_name_map(gguf.MODEL_ARCH.MMPROJ, 32)
    pairs = {"text": {}, "vision": {}}

    def add(part, table, name):
        pairs[part][name] = table.get_name(name, try_suffixes=(".weight", ".bias"))
        if pairs[part][name] is None:
            raise ValueError(f"gguf-py has no name for {name}")

    for name in ("model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"):
        add("text", text, name)
    for layer in (0, 1, 27):
        for module in ("input_layernorm", "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                       "post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"):
            add("text", text, f"model.layers.{layer}.{module}.weight")
            if module[-6:] in ("q_proj", "k_proj", "v_proj"):
                add("text", text, f"model.layers.{layer}.{module}.bias")
    for name in ("visual.patch_embed.proj.weight", "visual.merger.ln_q.weight", "visual.merger.mlp.0.weight",
                 "visual.merger.mlp.0.bias", "visual.merger.mlp.2.weight", "visual.merger.mlp.2.bias"):
        add("vision", vision, name)
    for block in (0, 1, 31):
        for module in ("norm1", "norm2", "attn.q", "attn.k", "attn.v", "attn.proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"):
            add("vision", vision, f"visual.blocks.{block}.{module}.weight")
            if not module.startswith("norm"):
                add("vision", vision, f"visual.blocks.{block}.{module}.bias")
    path = FOLDER / "names.json"
    path.write_text(json.dumps(pairs, indent=1, sort_keys=True) + "\n", "utf-8")
    common.wrote(path)


def main():
    logging.getLogger("gguf").setLevel(logging.WARNING)
    FOLDER.mkdir(parents=True, exist_ok=True)
    config = AutoConfig.from_pretrained(common.TINY / "text_encoder")
    write_types()
    write_text(config)
    write_mmproj(config)
    names()


if __name__ == "__main__":
    common.run("gguf_files", main)
