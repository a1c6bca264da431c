"""The layout of optimum and transformers.js: a folder of transformers with ONNX graphs in it, made by optimum itself.

    python published_layout.py whisper-tiny out [--attentions] [--float16]

`checkpoint` is anything that checkpoint.py reads.
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np
import onnx
import torch
from onnxruntime.transformers.float16 import convert_float_to_float16
from optimum.exporters.onnx import main_export
from optimum.exporters.onnx.config import ConfigBehavior
from optimum.exporters.onnx.model_configs import WhisperOnnxConfig
from optimum.onnx import merge_decoders
from transformers import GenerationConfig, PreTrainedTokenizerFast, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration
from whisper.tokenizer import LANGUAGES

import checkpoint
from tokens import tokenizer_json, tokenizer_of


def transformers_name(name):
    """transformers' name of a tensor of openai-whisper."""
    name = re.sub(r"^(encoder|decoder)\.positional_embedding", r"\1.embed_positions.weight", name)
    for pattern, replacement in (
        (r"\.token_embedding", ".embed_tokens"), (r"\.blocks\.", ".layers."), (r"\.cross_attn_ln", ".encoder_attn_layer_norm"),
        (r"\.cross_attn\.", ".encoder_attn."), (r"\.attn_ln", ".self_attn_layer_norm"), (r"\.attn\.", ".self_attn."), (r"\.query", ".q_proj"),
        (r"\.key", ".k_proj"), (r"\.value", ".v_proj"), (r"\.out\b", ".out_proj"), (r"\.mlp\.0", ".fc1"), (r"\.mlp\.2", ".fc2"),
        (r"\.mlp_ln", ".final_layer_norm"), (r"\.ln_post", ".layer_norm"), (r"^decoder\.ln\b", "decoder.layer_norm"),
    ):  # fmt: skip
        name = re.sub(pattern, replacement, name)
    return f"model.{name}"


def as_transformers(model):
    """The same weights as a WhisperForConditionalGeneration, with the generation config of the official checkpoints."""
    dims, tokens = model.dims, tokenizer_of(model)
    specials = {"bos_token_id": tokens.eot, "eos_token_id": tokens.eot, "pad_token_id": tokens.eot, "decoder_start_token_id": tokens.sot}
    config = WhisperConfig(
        vocab_size=dims.n_vocab, num_mel_bins=dims.n_mels, d_model=dims.n_text_state, encoder_layers=dims.n_audio_layer,
        encoder_attention_heads=dims.n_audio_head, decoder_layers=dims.n_text_layer, decoder_attention_heads=dims.n_text_head,
        encoder_ffn_dim=4 * dims.n_audio_state, decoder_ffn_dim=4 * dims.n_text_state, max_source_positions=dims.n_audio_ctx,
        max_target_positions=dims.n_text_ctx, **specials,
    )  # fmt: skip
    converted = WhisperForConditionalGeneration(config)
    weights = {transformers_name(name): value for name, value in model.state_dict().items()}
    weights["proj_out.weight"] = weights["model.decoder.embed_tokens.weight"]
    converted.load_state_dict(weights)
    never = [*tokens.non_speech_tokens, tokens.translate, tokens.transcribe, tokens.sot, tokens.sot_prev, tokens.sot_lm, tokens.no_speech]
    extra = {}
    if model.is_multilingual:
        codes = list(LANGUAGES)[: model.num_languages]
        extra = {"lang_to_id": {f"<|{code}|>": tokens.to_language_token(code) for code in codes}, "task_to_id": {"translate": tokens.translate, "transcribe": tokens.transcribe}}
    converted.generation_config = GenerationConfig(
        **specials, is_multilingual=model.is_multilingual, no_timestamps_token_id=tokens.no_timestamps, max_length=dims.n_text_ctx,
        suppress_tokens=sorted(never), begin_suppress_tokens=[*tokens.encode(" "), tokens.eot], max_initial_timestamp_index=50,
        prev_sot_token_id=tokens.sot_prev, return_timestamps=False, alignment_heads=model.alignment_heads.indices().T.tolist(), **extra,
    )  # fmt: skip
    return converted.eval()


def save_transformers(model, folder):
    """A folder as transformers writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    as_transformers(model).save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=model.dims.n_mels).save_pretrained(folder)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer_json(model), ensure_ascii=False))
    PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), eos_token="<|endoftext|>").save_pretrained(folder)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer_json(model), ensure_ascii=False))


class TellingConfig(WhisperOnnxConfig):
    """Decoders that tell their cross attention, as the `_timestamped` models of transformers.js do."""

    @property
    def outputs(self):
        named = super().outputs
        if self._behavior is ConfigBehavior.DECODER:
            for layer in range(self._config.decoder_layers):
                named[f"cross_attentions.{layer}"] = {0: "batch_size", 2: "decoder_sequence_length", 3: "encoder_sequence_length"}
        return named


def export(source, folder, attentions=False):
    """optimum's export of a transformers folder."""
    task = "automatic-speech-recognition"
    extra = {}
    if attentions:
        config = TellingConfig(WhisperConfig.from_pretrained(source), task=task)
        extra = {
            "model_kwargs": {"output_attentions": True},
            "custom_onnx_configs": {
                "encoder_model": config.with_behavior("encoder"),
                "decoder_model": config.with_behavior("decoder", use_past=True, use_past_in_inputs=False),
                "decoder_with_past_model": config.with_behavior("decoder", use_past=True, use_past_in_inputs=True),
            },
        }
    main_export(str(source), folder, task=f"{task}-with-past", do_validation=False, **extra)


def halve(folder):
    """Beside each graph of an export the same in float16, its inputs and outputs too, as optimum exports on CUDA: `*_fp16.onnx`.

    The converter cannot look into a merged decoder, so that one is merged of the halves.
    """
    halves = {}
    for name in ("encoder_model", "decoder_model", "decoder_with_past_model"):
        halves[name] = folder / f"{name}_fp16.onnx"
        onnx.save(convert_float_to_float16(onnx.load(str(folder / f"{name}.onnx")), keep_io_types=False), str(halves[name]))
    merge_decoders(str(halves["decoder_model"]), str(halves["decoder_with_past_model"]), save_path=str(folder / "decoder_model_merged_fp16.onnx"), strict=False)


def without_weights(path, tensors):
    """The graph of a file with its large tensors turned into references to `<file>_data`, and where each comes from.

    `tensors`: openai-whisper's state dict as arrays. A tensor that is none of them, nor one turned around or in float16, stays inside.
    """
    known = {}
    for name, values in tensors.items():
        for transposed in (False, True) if values.ndim == 2 else (False,):
            turned = np.ascontiguousarray(values.T if transposed else values)
            for half in (False, True):
                kept = turned.astype(np.float16) if half else turned
                known.setdefault((kept.shape, kept.tobytes()), {"source": name, "transposed": transposed, **({"form": "half"} if half else {})})
    model = onnx.load(str(path))
    sources, offset = [], 0
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        found = known.get((values.shape, values.tobytes())) if values.nbytes > 256 else None
        if found is None:
            continue
        sources.append({**found, "rows": None, "offset": offset})
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", f"{path.name}_data"), ("offset", offset), ("length", values.nbytes)):
            tensor.external_data.add(key=key, value=str(value))
        offset += values.nbytes
    return model.SerializeToString(), sources


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--attentions", action="store_true", help="decoders tell their cross attention: word times")
    parser.add_argument("--float16", action="store_true", help="each graph in float16 too, inputs and outputs included")
    options = parser.parse_args()
    torch.set_num_threads(1)
    source = options.checkpoint
    if not source.is_dir():
        source = options.folder / "transformers"
        save_transformers(checkpoint.load(options.checkpoint), source)
    export(source, options.folder, options.attentions)
    if options.float16:
        halve(options.folder)


if __name__ == "__main__":
    main()
