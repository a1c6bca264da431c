"""Writes the fixtures of shared/asr/src/whisper: graphs without their weights, the rules that make them, golden outputs.

    python fixtures.py ../../../shared/asr/src/whisper/fixtures [--only multilingual-80]
"""

import argparse
import gzip
import json
import shutil
import tempfile
from pathlib import Path

import torch

from clips import CLIPS, clip
from export import export
from golden import golden
from published_layout import export as published_export, halve, save_transformers, without_weights
from tiny import TINY, tiny, tiny_rules
from tokens import tokenizer_of, vocabulary


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    path.write_bytes(gzip.compress(data, 9, mtime=0))
    print(path.name, path.stat().st_size)


def own_layout(model, folder):
    """The graphs and the manifest as the exporter writes them; checksums stay, so that remade weights are proved right."""
    formats = ["float32", "int8", "int4"] if folder.name == "english-80" else ["float32"]
    with tempfile.TemporaryDirectory() as scratch:
        made = export(model, Path(scratch), formats, folder.name, source="random weights", license="MIT", tokenizer=False, loops=["float32"])
        folder.mkdir(parents=True, exist_ok=True)
        for graph in made.values():
            (folder / f"{graph.path.name}.gz").write_bytes(gzip.compress(graph.path.read_bytes(), 9, mtime=0))
        shutil.copy(Path(scratch) / "manifest.json", folder)
        return {f"{graph.path.stem}.bin": list(graph.sources.values()) for graph in made.values()}


def published_layout(model, folder):
    """optimum's graphs: split as it writes them, merged with the cross attention told, and merged in float16."""
    tensors = {name: value.numpy() for name, value in model.state_dict().items()}
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        save_transformers(model, scratch / "transformers")
        for kind, graphs, attentions in (
            ("split", ["encoder_model", "decoder_model", "decoder_with_past_model"], False),
            ("merged", ["encoder_model", "decoder_model_merged"], True),
            ("half", ["encoder_model_fp16", "decoder_model_merged_fp16"], False),
        ):
            published_export(scratch / "transformers", scratch / kind, attentions)
            if kind == "half":
                halve(scratch / kind)
            out = folder / kind
            out.mkdir(parents=True, exist_ok=True)
            files = {}
            for graph in graphs:
                data, files[f"{graph}.onnx_data"] = without_weights(scratch / kind / f"{graph}.onnx", tensors)
                (out / f"{graph}.onnx.gz").write_bytes(gzip.compress(data, 9, mtime=0))
            for name in ("config.json", "generation_config.json"):
                shutil.copy(scratch / kind / name, out)
            write(out / "weights.json.gz", {"files": files})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", help="one model")
    parser.add_argument("--graphs", action="store_true", help="leave the golden outputs as they are")
    options = parser.parse_args()
    torch.set_num_threads(1)
    clips = {name: {"kind": kind, "samples": len(clip(name)), "seed": seed} for name, (kind, _, seed) in CLIPS.items()}
    write(options.folder / "clips.json.gz", clips)
    for multilingual in (True, False):
        words, merges = vocabulary(multilingual)
        write(options.folder / f"vocabulary-{'multilingual' if multilingual else 'english'}.json.gz", {"words": words, "merges": merges})
    for name in [options.only] if options.only else TINY:
        model = tiny(name)
        tokens = tokenizer_of(model)
        files = own_layout(model, options.folder / name)
        specials = sorted(tokens.special_tokens.items(), key=lambda item: item[1])
        specials = [[token, id] for token, id in specials if id < tokens.timestamp_begin]
        write(options.folder / name / "weights.json.gz", {"rules": tiny_rules(name), "files": files, "specials": specials})
        chosen = list(CLIPS)[: {"multilingual-80": 16, "multilingual-128": 12, "english-80": 4}[name]]
        if name == "multilingual-80":
            published_layout(model, options.folder / name)
        if not options.graphs:
            write(options.folder / name / "golden.json.gz", golden(model, chosen))


if __name__ == "__main__":
    main()
