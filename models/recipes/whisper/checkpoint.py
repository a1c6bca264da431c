"""Whisper checkpoints, from wherever they come, as openai-whisper's model: its .pt files, or a folder of transformers."""

import json
import re
from pathlib import Path

import torch
from whisper import _ALIGNMENT_HEADS
from whisper.model import ModelDimensions, Whisper

# transformers' names of openai-whisper's tensors: first what stands inside a layer, then the rest.
RENAMES = [
    (r"^model\.", ""),
    (r"\.layers\.", ".blocks."),
    (r"encoder_attn_layer_norm", "cross_attn_ln"),
    (r"encoder_attn\.", "cross_attn."),
    (r"self_attn_layer_norm", "attn_ln"),
    (r"self_attn\.", "attn."),
    (r"\.q_proj", ".query"),
    (r"\.k_proj", ".key"),
    (r"\.v_proj", ".value"),
    (r"\.out_proj", ".out"),
    (r"\.fc1", ".mlp.0"),
    (r"\.fc2", ".mlp.2"),
    (r"final_layer_norm", "mlp_ln"),
    (r"^encoder\.layer_norm", "encoder.ln_post"),
    (r"^decoder\.layer_norm", "decoder.ln"),
    (r"embed_tokens", "token_embedding"),
    (r"embed_positions(\.weight)?", "positional_embedding"),
]


def openai_name(name):
    for pattern, replacement in RENAMES:
        name = re.sub(pattern, replacement, name)
    return name


def load(path, alignment=None):
    """A float32 openai-whisper model on the CPU. `alignment` names an official size, or is taken from the checkpoint."""
    path = Path(path)
    heads = None
    if path.is_dir():
        from transformers import WhisperForConditionalGeneration

        source = WhisperForConditionalGeneration.from_pretrained(path, dtype=torch.float32)
        config = source.config
        dims = ModelDimensions(
            config.num_mel_bins, config.max_source_positions, config.d_model, config.encoder_attention_heads, config.encoder_layers,
            config.vocab_size, config.max_target_positions, config.d_model, config.decoder_attention_heads, config.decoder_layers,
        )  # fmt: skip
        weights = {openai_name(name): value for name, value in source.state_dict().items() if name != "proj_out.weight"}
        generation = path / "generation_config.json"
        heads = json.loads(generation.read_text()).get("alignment_heads") if generation.exists() else None
    else:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        dims, weights = ModelDimensions(**stored["dims"]), stored["model_state_dict"]
        alignment = alignment or (path.stem if path.stem in _ALIGNMENT_HEADS else None)
    model = Whisper(dims)
    model.load_state_dict({name: value.float() for name, value in weights.items()})
    if alignment is not None:
        model.set_alignment_heads(_ALIGNMENT_HEADS[alignment])
    elif heads is not None:
        mask = torch.zeros(dims.n_text_layer, dims.n_text_head, dtype=torch.bool)
        for layer, head in heads:
            mask[layer, head] = True
        model.register_buffer("alignment_heads", mask.to_sparse(), persistent=False)
    return model.eval()
