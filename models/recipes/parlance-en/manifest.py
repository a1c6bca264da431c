"""Writes manifest.json of the trained model (files with checksums, tensors, symbols, decoder settings, how it was trained)
and the tables of its model card, between the markers in README.md."""

import argparse
import json
import re
import sys
from pathlib import Path

import torch

import lexicon as lexicons
from lexicon import CHARACTER_SYMBOLS, PHONE_SYMBOLS
from model import FRAME_SECONDS

sys.path.append(str(Path(__file__).resolve().parent.parent / "shared"))

from manifest_file import write_manifest  # noqa: E402
from training_record import packages, update_card  # noqa: E402

DEBIAN_PACKAGES = [
    "espeak-ng", "flite", "festival", "festvox-kallpc16k", "festvox-kdlpc16k", "festvox-us-slt-hts", "festlex-cmu", "wamerican",
    "wordnet-base", "bible-kjv-text", "dict-jargon", "dict-devil", "python3.11-doc", "postgresql-doc-15", "apache2-doc",
    "pocketsphinx-en-us", "rhvoice-english", "libttspico-utils",
]  # fmt: skip
PYTHON_PACKAGES = ["torch", "numpy", "scipy", "onnx", "onnxruntime"]


def hours_by_engine(record):
    totals = {}
    for group, hours in record["uniqueHours"].items():
        engine = group.split("-")[0]
        totals[engine] = totals.get(engine, 0) + hours
    return ", ".join(f"{engine} {hours:.1f} h" for engine, hours in sorted(totals.items()))


def tables(metrics, record):
    """Markdown of the figures that change with every training."""
    lines = [
        f"Trained for {record['steps']} steps on {record['audioHoursProcessed']} hours of audio (repeats and augmentation included) drawn from",
        f"{sum(record['uniqueHours'].values()):.1f} different hours: {hours_by_engine(record)}.",
        "",
        f"Error rates in percent, beam {metrics['beam']}, language model weight {metrics['weight']}, word bonus {metrics['bonus']}:",
        "",
        "| test set | phones, best path | characters, best path | words, characters' best path | **words, decoded** | everyday | prose | numbers | names | random words |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, rates in metrics["sets"].items():
        kinds = [rates["decodedByKind"].get(kind, "") for kind in ("everyday", "prose", "numbers", "names", "words")]
        row = [rates["phones"], rates["characters"], rates["wordsGreedy"], f"**{rates['wordsDecoded']}**", *kinds]
        lines.append(f"| {name} | " + " | ".join(str(cell) for cell in row) + " |")
    voices = {voice: rate for rates in metrics["sets"].values() for voice, rate in rates["decodedByVoice"].items() if voice != "espeak"}
    lines += ["", "Words decoded, by voice: " + ", ".join(f"{voice} {rate}" for voice, rate in sorted(voices.items())) + "."]
    if "phrases" in metrics:
        found = metrics["phrases"]
        lines += ["", f"Phrase list, one of {found['phrases']}: {found['amongAll']} % right; one of 100 that differ in one word: {found['amongOneWordDifferent']} %."]
    lines += ["", f"The lexicon covers {metrics['lexiconCoverage']} % of the running words of general English (by the word frequencies of pocketsphinx-en-us)."]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("metrics", type=Path)
    parser.add_argument("--version", default="0.1.0")
    options = parser.parse_args()
    folder = options.folder
    metrics = json.loads(options.metrics.read_text())
    metrics["lexiconCoverage"] = round(100 * lexicons.coverage(lexicons.load(folder / "lexicon.txt.gz")), 2)
    checkpoint = torch.load(options.checkpoint, map_location="cpu", weights_only=True)
    parameters = sum(values.numel() for name, values in checkpoint["weights"].items() if not re.search("running|num_batches", name))
    update_card(folder / "README.md", tables(metrics, checkpoint["record"]))
    write_manifest(
        folder,
        name="parlance-en",
        version=options.version,
        family="asr",
        architecture="ctc",
        description="Small English recogniser trained on synthetic speech only: commands, demonstrations and tests, not dictation.",
        license="MIT",
        source="models/recipes/parlance-en",
        languages=["English"],
        sample_rate=16000,
        files={
            "graph": folder / "model.onnx",
            "quick": folder / "quick.onnx",
            "lexicon": folder / "lexicon.txt.gz",
            "languageModel": folder / "lm.arpa.gz",
        },
        limits={"maxSegmentSeconds": 40, "maxBatchSize": 32},
        ctc={
            "input": "waveform",
            "tensors": {name: name for name in ("audio", "lengths", "frames", "phones", "characters")},
            "frameSeconds": FRAME_SECONDS,
            "characters": CHARACTER_SYMBOLS,
            "phones": PHONE_SYMBOLS,
            "decoding": {
                "beamSize": metrics["beam"],
                "languageModelWeight": metrics["weight"],
                "wordBonus": metrics["bonus"],
            },
        },
        training={
            "recipe": 1,
            "parameters": parameters,
            **checkpoint["record"],
            "settings": checkpoint["settings"],
            "packages": packages(PYTHON_PACKAGES, DEBIAN_PACKAGES),
            "metrics": metrics,
        },
    )


if __name__ == "__main__":
    main()
