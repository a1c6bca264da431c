"""Writes manifest.json of the trained model (files with checksums, tensors, symbols, vocoder, how it was trained) and the
figures of its model card, between the markers in README.md."""

import argparse
import sys
from pathlib import Path

import torch

from symbols import SYMBOLS
from teacher import ALPHA, FINAL_FRAMES, FRAME_SECONDS, ORDER, RATE
from model import FRAMES_PER_STEP

sys.path.append(str(Path(__file__).resolve().parent.parent / "shared"))

from manifest_file import write_manifest  # noqa: E402
from training_record import packages, update_card  # noqa: E402

DEBIAN_PACKAGES = ["flite", "libflite1", "festlex-cmu", "wamerican"]
PYTHON_PACKAGES = ["torch", "numpy", "onnx", "onnxruntime"]
# Where the voice's own band filters cross, in Hz, and the factor that its vocoder puts on every sample.
BAND_EDGES = [850, 1750, 3850, 6200]
GAIN = 1.5


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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--version", default="0.1.0")
    options = parser.parse_args()
    folder = options.folder
    checkpoint = torch.load(options.checkpoint, map_location="cpu", weights_only=True)
    parameters = sum(values.numel() for values in checkpoint["weights"].values())
    manifest = write_manifest(
        folder,
        name="parlance-voice",
        version=options.version,
        family="tts",
        architecture="parametric",
        description="Small English voice, the student of a statistical voice of flite: plain, clear, plainly a machine.",
        license="MIT",
        source="models/recipes/parlance-voice",
        languages=["English"],
        sample_rate=RATE,
        files={"encoder": folder / "encoder.onnx", "decoder": folder / "decoder.onnx", "lexicon": folder / "lexicon.txt.gz"},
        limits={"maxSegmentSeconds": 120, "maxBatchSize": 32},
        tts={
            "operations": ["custom_voice"],
            "voices": [{"id": "slt", "name": "SLT", "gender": "female", "language": "English"}],
            "defaultVoice": "slt",
            "instructions": False,
        },
        parametric={
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
        training={
            "recipe": 1,
            "parameters": parameters,
            **checkpoint["record"],
            "settings": checkpoint["settings"],
            "packages": packages(PYTHON_PACKAGES, DEBIAN_PACKAGES),
        },
    )  # fmt: skip
    size = sum(file["bytes"] for file in manifest["files"].values())
    update_card(folder / "README.md", figures(checkpoint["record"], parameters, size))


if __name__ == "__main__":
    main()
