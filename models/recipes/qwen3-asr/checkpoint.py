"""Checkpoints with random weights, made by the official classes: small ones for tests, true sizes for benchmarks.

A random decoder says the same token for ever unless its layers weigh more than its embeddings, and never ends by itself
unless the end token is a likely one: `randomise` sees to both, so that greedy outputs are worth comparing.
"""

import argparse
import json
import math
from pathlib import Path

import torch
from qwen_asr.core.transformers_backend import Qwen3ASRConfig, Qwen3ASRForConditionalGeneration, Qwen3ASRProcessor
from tokenizers import Tokenizer
from transformers import Qwen2TokenizerFast, WhisperFeatureExtractor

from vocabulary import CHAT_TEMPLATE, make_full_tokenizer, make_tokenizer

SIZES = {
    "small": dict(encoder=(2, 32, 4, 64, 4), decoder=(2, 32, 64, 4, 2, 16)),
    "0.6b": dict(encoder=(18, 896, 14, 3_584, 480), decoder=(28, 1_024, 3_072, 16, 8, 128)),
    "1.7b": dict(encoder=(24, 1_024, 16, 4_096, 480), decoder=(28, 2_048, 6_144, 16, 8, 128)),
}
TRUE_VOCABULARY = 151_936
ALIGNER_CLASSES = 400


def make_config(size, tokenizer, aligner=False, tied=True):
    """The official configuration of a size; token ids are those of `tokenizer`."""
    layers, width, heads, inner, channels = SIZES[size]["encoder"]
    depth, hidden, intermediate, query_heads, kv_heads, head_dim = SIZES[size]["decoder"]
    quarter = head_dim // 8
    section = [24, 20, 20] if head_dim == 128 else [head_dim // 2 - 2 * quarter, quarter, quarter]
    thinker = {
        "audio_config": {
            "num_mel_bins": 128, "d_model": width, "encoder_layers": layers, "encoder_attention_heads": heads,
            "encoder_ffn_dim": inner, "downsample_hidden_size": channels, "output_dim": hidden, "n_window": 50,
            "n_window_infer": 800, "conv_chunksize": 500, "max_source_positions": 1_500,
        },
        "text_config": {
            "vocab_size": tokenizer.get_vocab_size() if size == "small" else TRUE_VOCABULARY, "hidden_size": hidden,
            "intermediate_size": intermediate, "num_hidden_layers": depth, "num_attention_heads": query_heads,
            "num_key_value_heads": kv_heads, "head_dim": head_dim, "max_position_embeddings": 65_536,
            "rms_norm_eps": 1e-6, "rope_theta": 1e6, "tie_word_embeddings": tied and not aligner,
            "rope_scaling": {"rope_type": "default", "mrope_section": section, "interleaved": True},
        },
        "audio_token_id": tokenizer.token_to_id("<|audio_pad|>"),
        "audio_start_token_id": tokenizer.token_to_id("<|audio_start|>"),
        "tie_word_embeddings": tied and not aligner,
    }  # fmt: skip
    if aligner:
        thinker |= {"model_type": "qwen3_forced_aligner", "classify_num": ALIGNER_CLASSES if size == "small" else 5_000}
    extra = {"timestamp_token_id": tokenizer.token_to_id("<timestamp>"), "timestamp_segment_time": 80.0}
    return Qwen3ASRConfig(thinker_config=thinker, tie_word_embeddings=tied and not aligner, **extra)


@torch.no_grad()
def randomise(model, end_token, seed):
    """Random weights under which greedy decoding wanders and ends now and then."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        values = torch.randn(weight.shape, generator=generator)
        if weight.dim() == 1:
            # Sharp attention: an average over a long prompt would be the same whatever was said.
            centre = 0.0 if name.endswith("bias") else 2.2 if "q_norm" in name or "k_norm" in name else 1.0
            weight.copy_(centre + 0.1 * values)
        elif "embed_tokens" in name:
            weight.copy_(0.4 * values)
        else:
            weight.copy_(values * 1.6 / math.sqrt(weight[0].numel()))
    if end_token is not None:
        model.thinker.lm_head.weight[end_token] *= 1.6
    # Published folders hold the embeddings in half precision: here that must lose nothing.
    model.thinker.model.embed_tokens.weight.copy_(model.thinker.model.embed_tokens.weight.half().float())


def make_model(size, tokenizer, seed, aligner=False, tied=True):
    """A model of the official class, float32, windowed encoder attention."""
    config = make_config(size, tokenizer, aligner, tied)
    config._attn_implementation = "eager"
    model = Qwen3ASRForConditionalGeneration(config).eval()
    model.thinker.tie_weights()
    randomise(model, None if aligner else tokenizer.token_to_id("<|im_end|>"), seed)
    use_windows(model)
    return model


def use_windows(model):
    """Applies the encoder's windows, which the official code computes and only flash attention heeds."""
    tower = model.thinker.audio_tower

    def add_mask(layer, inputs, options):
        hidden, boundaries = inputs
        return inputs, options | {"attention_mask": tower._prepare_attention_mask(hidden, boundaries)}

    for layer in tower.layers:
        layer.register_forward_pre_hook(add_mask, with_kwargs=True)


def make_processor(tokenizer_file):
    """The official processor over a tokenizer.json."""
    tokens = {"audio_token": "<|audio_pad|>", "audio_bos_token": "<|audio_start|>", "audio_eos_token": "<|audio_end|>"}
    tokenizer = Qwen2TokenizerFast(
        tokenizer_file=str(tokenizer_file), unk_token=None, eos_token="<|im_end|>", pad_token="<|endoftext|>",
        padding_side="left", extra_special_tokens=tokens,
    )  # fmt: skip
    features = WhisperFeatureExtractor(feature_size=128, return_attention_mask=True)
    return Qwen3ASRProcessor(feature_extractor=features, tokenizer=tokenizer, chat_template=CHAT_TEMPLATE)


def save(model, tokenizer, folder):
    """Writes the checkpoint as the official tools do, with a tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    # Saving writes the class's name for its kind of model; an aligner's checkpoint has its own there.
    config = json.loads((folder / "config.json").read_text())
    config["thinker_config"]["model_type"] = model.config.thinker_config.model_type
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": CHAT_TEMPLATE}))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--aligner", action="store_true")
    parser.add_argument("--untied", action="store_true")
    parser.add_argument("--tokenizer", type=Path, help="tokenizer.json to use instead of one that is made up")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    make = make_tokenizer if options.size == "small" else make_full_tokenizer
    tokenizer = Tokenizer.from_file(str(options.tokenizer)) if options.tokenizer else make()
    model = make_model(options.size, tokenizer, options.seed, options.aligner, not options.untied)
    save(model, tokenizer, options.folder)


if __name__ == "__main__":
    main()
