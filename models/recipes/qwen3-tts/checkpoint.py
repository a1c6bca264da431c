"""Checkpoints with random weights, made by the official classes: small ones for tests, true sizes for benchmarks.

    python checkpoint.py FOLDER --kind custom_voice|voice_design|base --size small|0.6b|1.7b [--seed 1]

Random layers say the same code for ever unless attention is sharp, and never end by themselves unless the end token is a likely one:
`randomise` sees to both, so that greedy codes are worth comparing.
"""

import argparse
import json
import math
from pathlib import Path

import torch
from tokenizers import AddedToken
from transformers import EncodecFeatureExtractor, MimiConfig, Qwen2TokenizerFast

import parts  # noqa: F401
from official import Qwen3TTSConfig, Qwen3TTSForConditionalGeneration, Qwen3TTSTokenizerV2Config, Qwen3TTSTokenizerV2Model
from vocabulary import make_full_tokenizer, make_tokenizer

# Of the true checkpoints; a small vocabulary has them at the same distance from its end.
LANGUAGES = {
    "chinese": 2055, "english": 2050, "german": 2053, "italian": 2070, "portuguese": 2071, "spanish": 2054, "japanese": 2058,
    "korean": 2064, "french": 2061, "russian": 2069, "beijing_dialect": 2074, "sichuan_dialect": 2062,
}  # fmt: skip
SPEAKERS = {
    "vivian": 3065, "serena": 3066, "uncle_fu": 3010, "ryan": 3061, "aiden": 2861, "ono_anna": 2873, "sohee": 2864, "eric": 2875,
    "dylan": 2878,
}  # fmt: skip
DIALECTS = {"eric": "sichuan_dialect", "dylan": "beijing_dialect"}
CONTROL = {"eos": 2150, "pad": 2148, "bos": 2149, "think": 2154, "nothink": 2155, "think_bos": 2156, "think_eos": 2157}
TRUE_CODES, TRUE_CODEBOOK, TRUE_TEXT = 3_072, 2_048, 151_936
SPOKEN = {"tts_pad": "<tts_pad>", "tts_bos": "<tts_text_bos>", "tts_eos": "<tts_text_eod>"}
TRUE_SPOKEN = {"tts_pad": 151_671, "tts_bos": 151_672, "tts_eos": 151_673}
SPEAKER_KEYS = [
    "mel_dim", "enc_dim", "enc_channels", "enc_kernel_sizes", "enc_dilations", "enc_attention_channels", "enc_res2net_scale",
    "enc_se_channels", "sample_rate",
]  # fmt: skip
# layers, hidden, intermediate, heads, kv heads, head size; of the small size, hidden differs as it does between the true ones.
SIZES = {
    "small": dict(talker=(2, 48, 96, 4, 2, 16), predictor=(2, 32, 64, 4, 2, 16), text=40, codebook=64),
    "small-0b6": dict(talker=(2, 32, 64, 4, 2, 16), predictor=(2, 32, 64, 4, 2, 16), text=40, codebook=64),
    "0.6b": dict(talker=(28, 1_024, 3_072, 16, 8, 128), predictor=(5, 1_024, 3_072, 16, 8, 128), text=2_048, codebook=2_048),
    "1.7b": dict(talker=(28, 2_048, 6_144, 16, 8, 128), predictor=(5, 1_024, 3_072, 16, 8, 128), text=2_048, codebook=2_048),
}


def decoder_config(layers, hidden, intermediate, heads, kv_heads, head):
    return {
        "num_hidden_layers": layers, "hidden_size": hidden, "intermediate_size": intermediate, "num_attention_heads": heads,
        "num_key_value_heads": kv_heads, "head_dim": head, "rms_norm_eps": 1e-6, "rope_theta": 1e6, "hidden_act": "silu",
    }  # fmt: skip


def make_tokenizer_of(size):
    """A tokenizer, and the ids of the three tokens that stand for silence, begin and end of the text."""
    if not size.startswith("small"):
        return make_full_tokenizer(), TRUE_SPOKEN
    tokenizer = make_tokenizer()
    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in SPOKEN.values()])
    return tokenizer, {name: tokenizer.token_to_id(token) for name, token in SPOKEN.items()}


def make_config(kind, size, tokenizer, spoken):
    """The official configuration. Control ids count from the codebook's end, as in the true checkpoints."""
    shape = SIZES[size]
    small = size.startswith("small")
    head = shape["talker"][5]
    section = [24, 20, 20] if head == 128 else [head // 2 - 2 * (head // 8), head // 8, head // 8]
    shift = shape["codebook"] - TRUE_CODEBOOK
    predictor = decoder_config(*shape["predictor"]) | {"vocab_size": shape["codebook"], "num_code_groups": 16, "max_position_embeddings": 65_536}
    talker = decoder_config(*shape["talker"]) | {
        "vocab_size": TRUE_CODES + shift, "num_code_groups": 16, "text_hidden_size": shape["text"], "max_position_embeddings": 32_768,
        "text_vocab_size": tokenizer.get_vocab_size() if small else TRUE_TEXT,
        "rope_scaling": {"interleaved": True, "mrope_section": section, "rope_type": "default", "type": "default"},
        "code_predictor_config": predictor,
        "codec_language_id": {name: token + shift for name, token in LANGUAGES.items()},
        "spk_id": {name: token + shift for name, token in SPEAKERS.items()} if kind == "custom_voice" else {},
        "spk_is_dialect": {name: DIALECTS.get(name, False) for name in SPEAKERS} if kind == "custom_voice" else {},
    } | {f"codec_{name}{'_token' if name == 'eos' else ''}_id": token + shift for name, token in CONTROL.items()}  # fmt: skip
    width = shape["talker"][1]
    speaker = {"enc_dim": width, "sample_rate": 24_000}
    if small:
        speaker |= {"enc_channels": [16, 16, 16, 16, 48], "enc_attention_channels": 8, "enc_res2net_scale": 4, "enc_se_channels": 8}
    return Qwen3TTSConfig(
        talker_config=talker, speaker_encoder_config=speaker, tokenizer_type="qwen3_tts_tokenizer_12hz", tts_model_type=kind,
        tts_model_size="0b6" if width in (32, 1_024) else "1b7", im_start_token_id=tokenizer.token_to_id("<|im_start|>"),
        im_end_token_id=tokenizer.token_to_id("<|im_end|>"), assistant_token_id=tokenizer.encode("assistant").ids[0],
        **{f"{name}_token_id": token for name, token in spoken.items()},
    )  # fmt: skip


def make_codec_config(size):
    """Of the codec; the numbers of the small one are such that its frames last as long as the true one's."""
    if not size.startswith("small"):
        decoder = {"hidden_size": 512, "head_dim": 64, "intermediate_size": 1_024, "codebook_dim": 512}
        return Qwen3TTSTokenizerV2Config(encoder_config={}, decoder_config=decoder)
    codebook = SIZES[size]["codebook"]
    decoder = {
        "codebook_size": codebook, "codebook_dim": 16, "hidden_size": 16, "latent_dim": 24, "num_attention_heads": 2,
        "num_key_value_heads": 2, "head_dim": 8, "intermediate_size": 32, "num_hidden_layers": 2, "decoder_dim": 48, "sliding_window": 12,
        "layer_scale_initial_scale": 0.3,
    }  # fmt: skip
    encoder = MimiConfig(
        hidden_size=16, num_filters=3, codebook_size=codebook, codebook_dim=8, vector_quantization_hidden_dimension=8,
        num_attention_heads=2, num_key_value_heads=2, head_dim=8, intermediate_size=32, num_hidden_layers=2, num_quantizers=18,
        upsample_groups=16, sliding_window=25, use_causal_conv=True, layer_scale_initial_scale=0.3,
    ).to_dict()  # fmt: skip
    return Qwen3TTSTokenizerV2Config(encoder_config=encoder, decoder_config=decoder)


@torch.no_grad()
def randomise(model, seed, gain, bias=0.1):
    """Random weights under which codes wander. `gain`: of a layer; above 1 it makes more of a difference than it gets."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in [*model.named_parameters(), *model.named_buffers()]:
        if weight.dtype != torch.float32 or not weight.numel() or "inv_freq" in name or name.endswith(("initialized", "cluster_usage")):
            continue
        values = torch.randn(weight.shape, generator=generator)
        if weight.dim() == 1:
            centre = 0.0 if name.endswith(("bias", "alpha", "beta")) else 2.2 if "q_norm" in name or "k_norm" in name else 1.0
            if "scale" in name or "gamma" in name:
                centre = 0.3
            weight.copy_(centre + (bias if name.endswith("bias") else 0.1) * values)
        elif "embed" in name:
            weight.copy_(0.4 * values)
        else:
            weight.copy_(values * gain / math.sqrt(weight[0].numel()))


@torch.no_grad()
def make_model(kind, size, tokenizer, spoken, seed, ending=1.6):
    """`ending`: how much louder than other codes the end token is; at 0 no row ends by itself."""
    config = make_config(kind, size, tokenizer, spoken)
    config.talker_config._attn_implementation = config.talker_config.code_predictor_config._attn_implementation = "eager"
    model = Qwen3TTSForConditionalGeneration(config).eval()
    randomise(model, seed, 1.6)
    model.talker.codec_head.weight[config.talker_config.codec_eos_token_id] *= ending
    return model


@torch.no_grad()
def make_codec(size, seed):
    codec = Qwen3TTSTokenizerV2Model(make_codec_config(size)).eval()
    randomise(codec.encoder, seed, 1.6)
    # Its waves make of a large number any number: more gain, and rounding decides what it says.
    randomise(codec.decoder, seed + 1, 0.8, 0.01)
    last, codes = codec.decoder.decoder[-1].conv, torch.arange(96).reshape(1, 16, 6) % 64
    # What is clipped at 1 compares as equal.
    while codec.decoder(codes).std() > 0.3:
        last.weight.mul_(0.5)
    while codec.decoder(codes).std() < 0.15:
        last.weight.mul_(2)
    return codec


def save(folder, kind, size, seed, ending=1.6):
    """Writes the checkpoint as the published ones are laid out, with a tokenizer.json. `ending`: by 1.6 rows end now and then."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer, spoken = make_tokenizer_of(size)
    model = make_model(kind, size, tokenizer, spoken, seed, ending)
    model.save_pretrained(folder)
    # Saving writes keys that the official class does not take again.
    config = json.loads((folder / "config.json").read_text())
    config["speaker_encoder_config"] = {name: getattr(model.config.speaker_encoder_config, name) for name in SPEAKER_KEYS}
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    codec = folder / "speech_tokenizer"
    make_codec(size, seed + 1).save_pretrained(codec)
    EncodecFeatureExtractor(feature_size=1, sampling_rate=24_000).save_pretrained(codec)
    tokenizer.save(str(folder / "tokenizer.json"))
    Qwen2TokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), unk_token=None, eos_token="<|im_end|>", pad_token="<|endoftext|>"
    ).save_pretrained(folder)
    defaults = {
        "do_sample": True, "repetition_penalty": 1.05, "temperature": 0.9, "top_p": 1.0, "top_k": 50, "subtalker_dosample": True,
        "subtalker_temperature": 0.9, "subtalker_top_p": 1.0, "subtalker_top_k": 50, "max_new_tokens": 8_192,
    }  # fmt: skip
    (folder / "generation_config.json").write_text(json.dumps(defaults, indent=2))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", choices=["custom_voice", "voice_design", "base"], default="custom_voice")
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    save(options.folder, options.kind, options.size, options.seed)


if __name__ == "__main__":
    main()
