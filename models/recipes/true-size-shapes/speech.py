"""What shapes.py is for recognition, for Qwen3-TTS: its graphs of the true size without their weights, and the rule of every tensor.

    python speech.py qwen3-tts-0.6b FOLDER        (a Python with the packages of ../qwen3-tts)

The official classes tell the shapes: they are made without memory, and every parameter is then one zero that is looked at as often
as the shape wants. The vocabulary of the text is short: its table lies in a file of which rows are read, and no device sees it.
"""

import json
import math
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "qwen3-tts"))

import checkpoint  # noqa: E402
import export  # noqa: E402
from parts import SpeechGraph, WeightFile  # noqa: E402
from shapes import SMALL, UNIFORM, write  # noqa: E402

FIXTURE = HERE.parent.parent.parent / "shared/tts/src/qwen3-tts/fixtures/custom-voice"
FORMATS = ("float32", "float16")
# Of the true codec a frame's wave is neither clipped nor nothing by this last layer.
LOUDNESS = 0.8


class Places(WeightFile):
    """Where everything would lie, without a byte of it."""

    def open(self):
        return None

    def write(self, padding, array):
        pass


def sized(module):
    """Numbers of no size for all parameters, but for the few that lie inside the graphs."""
    chance = np.random.default_rng(7)
    for part in module.modules():
        if hasattr(part, "inv_freq"):
            part.inv_freq = type(part)(part.config).inv_freq
        for kept in (part._parameters, part._buffers):
            for name, tensor in kept.items():
                if tensor is None or not tensor.is_meta:
                    continue
                value = torch.zeros((), dtype=tensor.dtype).expand(tensor.shape)
                if tensor.dim() == 1 and tensor.numel() * 4 < SMALL and tensor.is_floating_point():
                    wave = name in ("bias", "alpha", "beta")
                    centre = 0.0 if wave else 0.3 if name in ("scale", "gamma") else 1.0
                    numbers = centre + chance.uniform(-0.01 if wave else -0.17, 0.01 if wave else 0.17, tensor.shape)
                    value = torch.from_numpy(numbers.astype(np.float16).astype(np.float32))
                kept[name] = torch.nn.Parameter(value, requires_grad=False) if kept is part._parameters else value
    return module


def official(size):
    """Talker and codec of a checkpoint as the exporter looks at them, and its tokenizer."""
    tokenizer, spoken = checkpoint.make_tokenizer_of("small")
    config = checkpoint.make_config("custom_voice", size, tokenizer, spoken)
    config.talker_config.text_vocab_size = tokenizer.get_vocab_size()
    config.talker_config._attn_implementation = config.talker_config.code_predictor_config._attn_implementation = "eager"
    with torch.device("meta"):
        model = checkpoint.Qwen3TTSForConditionalGeneration(config).eval()
        codec = checkpoint.Qwen3TTSTokenizerV2Model(checkpoint.make_codec_config(size)).eval()
    sized(model), sized(codec.decoder)
    model.speech_tokenizer = SimpleNamespace(model=codec, get_decode_upsample_rate=lambda: 1_920)
    return model, tokenizer


def rule(name, dims, seed):
    """As checkpoint.py has it, but for layers that make less of a difference than they get, and attention that is not sharp: where they
    make more of it, rounding grows through 28 of them, and what is drawn by it is another code."""
    width, centre = 0.1 * UNIFORM, 0.0
    if name.startswith("codec.rvq") and not name.endswith(".out"):
        width = 0.4 * UNIFORM
    elif name.endswith("Embeddings"):
        width = 0.4 * UNIFORM
    elif name.endswith(".bias"):
        width = 0.01 * UNIFORM
    elif name.endswith((".alpha", ".factor")):
        centre = 1.0
    elif len(dims) == 1:
        centre = 0.3 if "scale" in name or "gamma" in name else 1.0
    else:
        ins = math.prod(dims[1:]) if len(dims) > 2 else dims[0]
        gain = LOUDNESS if name.startswith("codec.") else 1.6 if "head" in name else 0.8
        width = gain * UNIFORM / math.sqrt(dims[1] if name == "predictor.heads" else ins)
    return {"seed": seed, "width": width, "centre": centre}


@torch.no_grad()
def shape(name, folder):
    model, tokenizer = official(name.removeprefix("qwen3-tts-"))
    talker, config = model.talker, model.config.talker_config
    hidden, groups = config.hidden_size, config.num_code_groups
    book = config.code_predictor_config.vocab_size
    tables = {"textEmbeddings": [config.text_vocab_size, hidden], "codecEmbeddings": [config.vocab_size + (groups - 1) * book, hidden]}
    roles, weights = {}, {f"{role}.bin": [[role, "float32", dims, 0, 0]] for role, dims in tables.items()}
    with tempfile.TemporaryDirectory() as scratch:
        for form in FORMATS:
            suffix = "" if form == "float32" else f".{form}"
            table = lambda graph: graph.table(Path("codecEmbeddings.bin"), tables["codecEmbeddings"])  # noqa: E731
            makers = {
                "weights": {
                    "talker": lambda graph: export.build_talker(graph, talker),
                    "predictor": lambda graph: export.build_predictor(graph, talker, table(graph)),
                    "loop": lambda graph: export.build_loop(graph, talker, table(graph), config.codec_eos_token_id),
                },
                "codecWeights": {"codecDecoder": lambda graph: export.build_codec_decoder(graph, model.speech_tokenizer.model.decoder)},
            }
            for data, graphs in makers.items():
                places = Places(f"{data}{suffix}.bin")
                for role, make in graphs.items():
                    graph = SpeechGraph(places, np.float16 if form == "float16" else np.float32, form)
                    answer = make(graph)
                    path = Path(scratch) / f"{role}{suffix}.onnx"
                    graph.save(path, role)
                    roles[f"{role}{suffix}"] = (path, places.path.name)
                    state_size = answer if role == "codecDecoder" else 0
                # A head of the predictor is a part of all of them.
                weights[places.path.name] = [
                    [tensor.removesuffix(f".{form}"), form, list(dims), offset, 0]
                    for tensor, (_, dims, offset, _) in places.places.items()
                    if not tensor.startswith("predictor.head.")
                ]
        dims = {tensor[0]: tensor[2] for tensors in weights.values() for tensor in tensors}
        rules = {source: rule(source, size, index + 1) for index, (source, size) in enumerate(dims.items())}
        manifest = json.loads((FIXTURE / "manifest.json").read_text())
        manifest |= {"name": name, "files": {}, "qwen3-tts": export.describe(model, {}, state_size)}
        vocabulary = {"json": json.loads(tokenizer.to_str()), "words": [0, 0]}
        write(folder, manifest, vocabulary, roles, weights, rules, {role: f"{role}.bin" for role in tables})


if __name__ == "__main__":
    shape(sys.argv[1], Path(sys.argv[2]).resolve())
