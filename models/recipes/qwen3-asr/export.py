"""A checkpoint of Qwen3-ASR, and if wanted of its forced aligner, as a model folder of Parlance.

    python export.py CHECKPOINT FOLDER --name qwen3-asr-0.6b [--aligner CHECKPOINT] [--formats float32 int8 int4 float16] [--every-way]

float32 has everything; int8 and int4 are for the CPU (int4: the decoder; its encoder has 8 bits, where 4 would hurt);
float16 is for CUDA. `--every-way`, for benches: float32 and float16 have every way of decoding, that of resident.py too. Weights lie in one external data file for each format. The manifest names every file with its size
and SHA-256.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from qwen_asr.core.transformers_backend import Qwen3ASRForConditionalGeneration
from qwen_asr.inference.utils import SUPPORTED_LANGUAGES
from transformers import AutoTokenizer

from decoder import build_aligner, build_decoder
from encoder import build_encoder
from graph import Graph, WeightFile
from loop import build_loop
from resident import build_resident

sys.path.append(str(Path(__file__).resolve().parent.parent / "shared"))

from manifest_file import write_manifest  # noqa: E402

FORMATS = ("float32", "int8", "int4", "float16")
ALIGNER_LANGUAGES = [
    "Chinese", "English", "Cantonese", "French", "German", "Italian", "Japanese", "Korean", "Portuguese", "Russian",
    "Spanish",
]  # fmt: skip


def load_checkpoint(folder):
    model = Qwen3ASRForConditionalGeneration.from_pretrained(folder, dtype="auto").eval()
    model.thinker.tie_weights()
    return model


def export_model(model, folder, formats, prefix="", every_way=False):
    """Writes the graphs of one checkpoint; answers the roles of the files. `prefix` is "aligner" for an aligner."""
    thinker, files = model.thinker, {}

    def role(name, number_format):
        name = f"{prefix}{name[0].upper()}{name[1:]}" if prefix else name
        return name if number_format == "float32" else f"{name}.{number_format}"

    for number_format in formats:
        inside = np.float16 if number_format == "float16" else np.float32
        weights_role = role("weights", number_format)
        weights = WeightFile(folder / f"{weights_role}.bin")
        parts = {"encoder": lambda graph: build_encoder(graph, thinker.audio_tower)}
        if prefix:
            parts["decoder"] = lambda graph: build_aligner(graph, thinker)
        else:
            if number_format != "float16" or every_way:
                parts["decoder"] = lambda graph: build_decoder(graph, thinker)
            if number_format in ("float32", "float16"):
                parts["loop"] = lambda graph: build_loop(graph, thinker)
                if every_way:
                    parts["resident"] = lambda graph: build_resident(graph, thinker)
        for name, build in parts.items():
            linear = "int8" if (name, number_format) == ("encoder", "int4") else number_format
            graph = Graph(weights, inside, linear)
            build(graph)
            files[role(name, number_format)] = f"{role(name, number_format)}.onnx"
            graph.save(folder / f"{role(name, number_format)}.onnx", name)
        weights.close()
        files[weights_role] = weights.path.name
    return files


def export_tokenizer(checkpoint, folder, name="tokenizer.json"):
    """The checkpoint's tokenizer.json, or one made of its vocabulary and merges."""
    made = checkpoint / "tokenizer.json"
    text = made.read_text() if made.exists() else AutoTokenizer.from_pretrained(checkpoint).backend_tokenizer.to_str()
    (folder / name).write_text(text)


def describe(model):
    """What the loader must know of the graphs' sizes."""
    text = model.config.thinker_config.text_config
    return {
        "hidden": text.hidden_size,
        "layers": text.num_hidden_layers,
        "keyValueHeads": text.num_key_value_heads,
        "headSize": text.head_dim,
    }


def export(checkpoint, folder, name, aligner=None, formats=("float32",), source="Qwen/Qwen3-ASR", version="1", every_way=False):
    folder.mkdir(parents=True, exist_ok=True)
    model = load_checkpoint(checkpoint)
    files = export_model(model, folder, formats, every_way=every_way) | {"tokenizer": "tokenizer.json"}
    export_tokenizer(checkpoint, folder)
    section = describe(model)
    if aligner is not None:
        alignment = load_checkpoint(aligner)
        usable = [number_format for number_format in formats if number_format != "int4"]
        files |= export_model(alignment, folder, usable or formats, "aligner")
        section["aligner"] = {
            "hidden": alignment.config.thinker_config.text_config.hidden_size,
            "millisecondsPerClass": int(alignment.config.timestamp_segment_time),
            "languages": ALIGNER_LANGUAGES,
        }
    write_manifest(
        folder,
        name=name,
        version=version,
        family="asr",
        architecture="qwen3-asr",
        description=f"Qwen3-ASR, exported from {source}.",
        license="Apache-2.0",
        source=source,
        languages=SUPPORTED_LANGUAGES,
        sample_rate=16_000,
        files={role: folder / file for role, file in files.items()},
        limits={"maxSegmentSeconds": 180, "maxBatchSize": 16},
        **{"qwen3-asr": section},
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--aligner", type=Path)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=["float32", "int8"])
    parser.add_argument("--source", default="Qwen/Qwen3-ASR")
    parser.add_argument("--every-way", action="store_true")
    options = parser.parse_args()
    export(options.checkpoint, options.folder, options.name, options.aligner, options.formats, options.source, every_way=options.every_way)


if __name__ == "__main__":
    main()
