"""A Whisper checkpoint in Parlance's own layout: encoder and decoder in the wanted number formats, tokenizer, manifest.

    python export.py tiny.pt out/whisper-tiny [--formats float32,int8] [--loops float16] [--name whisper-tiny] [--alignment tiny]

The checkpoint is a .pt file of openai-whisper or a folder of transformers. `--loops`: of the formats, those that get the graph with
the greedy loop inside too, which is for CUDA.
"""

import argparse
import json
import sys
from pathlib import Path

import checkpoint
import graphs
from loop import loop
from tokens import language_names, tokenizer_json, tokenizer_of

sys.path.append(str(Path(__file__).resolve().parent.parent / "shared"))

from manifest_file import write_manifest  # noqa: E402


# The cross attention's keys and values of a pass are this large at most: 8 rows of large-v3, 32 of small.
CROSS_BYTES = 4 << 30


def export(model, folder, formats, name, version="1", source="openai-whisper", license="MIT", tokenizer=True, loops=("float16",)):
    """Writes the folder; answers the graphs by role."""
    folder.mkdir(parents=True, exist_ok=True)
    dims = model.dims
    tokens = tokenizer_of(model)
    made, files = {}, {}
    parts = {
        "encoder": lambda *where: graphs.encoder(model, *where),
        "decoder": lambda *where: graphs.decoder(model, *where, tokens.eot),
        "loop": lambda *where: loop(model, *where, tokens),
    }
    for compute in formats:
        for role, make in parts.items():
            if role == "loop" and compute not in loops:
                continue
            # Four bits cost the encoder most, and gain nothing where there are many frames: it stays in eight.
            used = "int8" if role == "encoder" and compute == "int4" else compute
            # float32 is the plain role.
            key, stem = (role, role) if used == "float32" else (f"{role}.{used}", f"{role}_{used}")
            if key in made:
                continue
            path = folder / f"{stem}.onnx"
            made[key] = make(path, used)
            files[key] = path
            files[f"{key}.data"] = path.with_suffix(".bin")
    if tokenizer:
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer_json(model), ensure_ascii=False))
        files["tokenizer"] = folder / "tokenizer.json"
    write_manifest(
        folder,
        name=name,
        version=version,
        family="asr",
        architecture="whisper",
        description=f"Whisper, {dims.n_audio_layer} + {dims.n_text_layer} layers of width {dims.n_text_state}.",
        license=license,
        source=source,
        languages=language_names(model),
        sample_rate=16000,
        # The decoders of turbo and of the distilled models were cut down and trained again, to transcribe alone.
        **({"translates": False} if dims.n_text_layer < dims.n_audio_layer else {}),
        files=files,
        limits={"maxSegmentSeconds": 30, "maxBatchSize": max(1, min(32, CROSS_BYTES // (dims.n_text_layer * 2 * dims.n_audio_ctx * dims.n_text_state * 4)))},
        whisper={
            "mels": dims.n_mels,
            "layers": dims.n_text_layer,
            "heads": dims.n_text_head,
            "width": dims.n_text_state,
            "positions": dims.n_text_ctx,
            "vocabulary": dims.n_vocab,
        },
    )
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--formats", default="float32,int8", help="of float32, float16, int8, int4 (the decoder; the encoder is int8 then)")
    parser.add_argument("--loops", default="float16", help="of float32, float16")
    parser.add_argument("--name", help="default: the folder's")
    parser.add_argument("--alignment", help="official size whose alignment heads to use, such as large-v3-turbo")
    options = parser.parse_args()
    model = checkpoint.load(options.checkpoint, options.alignment)
    export(model, options.folder, options.formats.split(","), options.name or options.folder.name, source=str(options.checkpoint.name), loops=options.loops.split(","))


if __name__ == "__main__":
    main()
