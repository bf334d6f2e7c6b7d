"""golden/configs/*.json: the published models' settings, written by the libraries of today.

The files on the Hub are of diffusers 0.34 to 0.36 and transformers 4; whoever loads and saves them gets these.
"""

import json

import common

# text_encoder/config.json of Qwen-Image as transformers 4.41 wrote it: flat, rope_scaling.
FLAT = {
    "architectures": ["Qwen2_5_VLForConditionalGeneration"], "attention_dropout": 0.0, "bos_token_id": 151643,
    "eos_token_id": 151645, "hidden_act": "silu", "hidden_size": 3584, "image_token_id": 151655, "initializer_range": 0.02,
    "intermediate_size": 18944, "max_position_embeddings": 128000, "max_window_layers": 28, "model_type": "qwen2_5_vl",
    "num_attention_heads": 28, "num_hidden_layers": 28, "num_key_value_heads": 4, "rms_norm_eps": 1e-06,
    "rope_scaling": {"mrope_section": [16, 24, 24], "rope_type": "default", "type": "default"}, "rope_theta": 1000000.0,
    "sliding_window": 32768, "tie_word_embeddings": False, "torch_dtype": "bfloat16", "transformers_version": "4.41.2",
    "use_cache": True, "use_sliding_window": False, "video_token_id": 151656,
    "vision_config": {
        "depth": 32, "fullatt_block_indexes": [7, 15, 23, 31], "hidden_act": "silu", "hidden_size": 1280, "in_channels": 3,
        "in_chans": 3, "initializer_range": 0.02, "intermediate_size": 3420, "model_type": "qwen2_5_vl", "num_heads": 16,
        "out_hidden_size": 3584, "patch_size": 14, "spatial_merge_size": 2, "spatial_patch_size": 14, "temporal_patch_size": 2,
        "tokens_per_second": 2, "torch_dtype": "float32", "window_size": 112},
    "vision_end_token_id": 151653, "vision_start_token_id": 151652, "vision_token_id": 151654, "vocab_size": 152064,
}
SCHEDULER = {
    "base_image_seq_len": 256, "base_shift": 0.5, "invert_sigmas": False, "max_image_seq_len": 8192, "max_shift": 0.9,
    "num_train_timesteps": 1000, "shift": 1.0, "shift_terminal": 0.02, "stochastic_sampling": False,
    "time_shift_type": "exponential", "use_beta_sigmas": False, "use_dynamic_shifting": True, "use_exponential_sigmas": False,
    "use_karras_sigmas": False,
}
PROCESSOR = {
    "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711], "max_pixels": 12845056,
    "merge_size": 2, "min_pixels": 3136, "patch_size": 14, "resample": 3, "temporal_patch_size": 2,
}


def keep(name, text):
    path = common.GOLDEN / "configs" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(json.loads(text), indent=1, ensure_ascii=False) + "\n", "utf-8")
    common.wrote(path)


def main():
    import accelerate
    from diffusers import AutoencoderKLQwenImage, FlowMatchEulerDiscreteScheduler, QwenImageTransformer2DModel
    from transformers import Qwen2_5_VLConfig, Qwen2VLImageProcessor

    config = Qwen2_5_VLConfig.from_dict(json.loads(json.dumps(FLAT)))
    keep("text_encoder", config.to_json_string())
    keep("text_encoder_all_keys", config.to_json_string(use_diff=False))
    with accelerate.init_empty_weights():
        for name, flag in (("transformer", False), ("transformer_2511", True)):
            model = QwenImageTransformer2DModel(num_layers=60, joint_attention_dim=3584, zero_cond_t=flag)
            keep(name, model.to_json_string())
        keep("vae", AutoencoderKLQwenImage().to_json_string())
    keep("scheduler", FlowMatchEulerDiscreteScheduler(**SCHEDULER).to_json_string())
    keep("processor", json.dumps({"image_processor": json.loads(Qwen2VLImageProcessor(**PROCESSOR).to_json_string()),
                                  "processor_class": "Qwen2_5_VLProcessor"}))


if __name__ == "__main__":
    common.run("published_configs", main)
