"""Writes manifest.json of the trained model (files with checksums, tensors, symbols, vocoder, how it was trained) and the
figures of its model card, between the markers in README.md."""

import argparse
import hashlib
import json
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch

from symbols import SYMBOLS
from teacher import ALPHA, FINAL_FRAMES, FRAME_SECONDS, ORDER, RATE
from model import FRAMES_PER_STEP

DEBIAN_PACKAGES = ["flite", "libflite1", "festlex-cmu", "wamerican"]
PYTHON_PACKAGES = ["torch", "numpy", "onnx", "onnxruntime"]
# Where the voice's own band filters cross, in Hz, and the factor that its vocoder puts on every sample.
BAND_EDGES = [850, 1750, 3850, 6200]
GAIN = 1.5


def described(path, folder):
    data = path.read_bytes()
    return {"path": str(path.relative_to(folder)), "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def debian_versions():
    found = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *DEBIAN_PACKAGES], capture_output=True, text=True)
    return dict(line.split() for line in found.stdout.splitlines())


def figures(record, parameters, size):
    found = record["development"]
    return "\n".join(
        [
            f"{parameters / 1e6:.2f} M parameters, {size / 1e6:.1f} MB with the lexicon. Trained for {record['steps']} steps,"
            f" {record['epochs']} times over {record['uniqueHours']} hours of the teacher's speech.",
            "",
            "On 120 prompts that it was not trained on, against the teacher, with the teacher's durations:",
            "",
            "| mel-cepstral distortion | pitch | voicing decision | duration of a phone |",
            "|---|---|---|---|",
            f"| {found['melCepstralDistortionDb']:.2f} dB | {found['pitchErrorPercent']:.1f} % | {found['voicingErrorPercent']:.1f} % "
            f"| {found['durationErrorPercent']:.0f} % |",
        ]
    )


def update_card(path, text):
    """Replaces what stands between the markers of a model card."""
    start, end = "<!-- figures -->", "<!-- end of figures -->"
    before, rest = path.read_text().split(start)
    path.write_text(f"{before}{start}\n{text}\n{end}{rest.split(end)[1]}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--version", default="0.1.0")
    options = parser.parse_args()
    folder = options.folder
    checkpoint = torch.load(options.checkpoint, map_location="cpu", weights_only=True)
    parameters = sum(values.numel() for values in checkpoint["weights"].values())
    files = {
        "encoder": described(folder / "encoder.onnx", folder),
        "decoder": described(folder / "decoder.onnx", folder),
        "lexicon": described(folder / "lexicon.txt.gz", folder),
    }
    manifest = {
        "name": "parlance-voice",
        "version": options.version,
        "family": "tts",
        "architecture": "parametric",
        "description": "Small English voice, the student of a statistical voice of flite: plain, clear, plainly a machine.",
        "license": "MIT",
        "source": "models/recipes/parlance-voice",
        "languages": ["English"],
        "sampleRate": RATE,
        "files": files,
        "limits": {"maxSegmentSeconds": 120, "maxBatchSize": 32},
        "tts": {
            "operations": ["custom_voice"],
            "voices": [{"id": "slt", "name": "SLT", "gender": "female", "language": "English"}],
            "defaultVoice": "slt",
            "instructions": False,
        },
        "parametric": {
            "symbols": SYMBOLS,
            "tensors": {
                "symbols": "symbols", "places": "places", "symbolCounts": "symbol_counts", "states": "states",
                "logFrames": "log_frames", "index": "index", "position": "position", "stepCounts": "step_counts",
                "parameters": "parameters",
            },
            "framesPerStep": FRAMES_PER_STEP,
            "frameSeconds": FRAME_SECONDS,
            "edgeFrames": FINAL_FRAMES,
            "vocoder": {"order": ORDER, "alpha": ALPHA, "bandEdges": BAND_EDGES, "gain": GAIN},
        },
        "training": {
            "recipe": 1,
            "parameters": parameters,
            **checkpoint["record"],
            "settings": checkpoint["settings"],
            "packages": {
                "python": platform.python_version(),
                **{name: version(name) for name in PYTHON_PACKAGES},
                "debian": debian_versions(),
            },
        },
    }  # fmt: skip
    size = sum(file["bytes"] for file in files.values())
    update_card(folder / "README.md", figures(checkpoint["record"], parameters, size))
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
