"""Checkpoints of the true sizes with random weights, and the same weights as Parlance reads them.

    python weights.py MODEL FOLDER      (MODEL: a name of MODELS)

Makes FOLDER/<model>/ with `official/` (the checkpoint), `parlance-int8/` and `parlance-int4/`. A part that exists is kept; all is seeded.

Random weights must not end a row: every engine makes the frames that it is asked for. The end token's scores are zero, which
is never among the likeliest. Parlance's budget is the text's letters.
"""

import sys
from pathlib import Path

import numpy as np

RECIPES = Path(__file__).resolve().parent.parent
sys.path += [str(RECIPES / "shared"), str(RECIPES / "qwen3-tts")]

import checkpoint  # noqa: E402
import export  # noqa: E402

from manifest_file import amend  # noqa: E402  # isort: skip
from whole_folder import made  # noqa: E402  # isort: skip

SEED = 7
RATE, REFERENCE_SECONDS = 24_000, 3
MODELS = {
    "qwen3-tts-0.6b-custom-voice": ("custom_voice", "0.6b"),
    "qwen3-tts-0.6b-base": ("base", "0.6b"),
    "qwen3-tts-1.7b-custom-voice": ("custom_voice", "1.7b"),
}
FORMATS = ("int8", "int4")
# A frame for each letter, and nothing for anything else.
ALLOWANCE = {"framesPerLetter": 1, "framesPerSyllable": 1, "framesPerFigure": 1, "spareFrames": 0}


def reference():
    """A tone that wavers, as PCM16: nothing in it is understood by random weights."""
    at = np.arange(RATE * REFERENCE_SECONDS) / RATE
    tone = np.sin(2 * np.pi * (140 + 20 * np.sin(5 * at)) * at) * (0.4 + 0.3 * np.sin(7 * at))
    return (tone * 20_000).astype("<i2")


def main():
    name, root = sys.argv[1], Path(sys.argv[2]).resolve()
    kind, size = MODELS[name]
    folder = root / name

    def official(unfinished):
        checkpoint.save(unfinished, kind, size, SEED, ending=0.0)

    def parlance(number_format):
        def make(unfinished):
            export.export(folder / "official", unfinished, name, [number_format], source="random weights")
            amend(unfinished, "qwen3-tts", allowance=ALLOWANCE)

        made(folder / f"parlance-{number_format}", make)

    made(folder / "official", official)
    for number_format in FORMATS:
        parlance(number_format)
    reference().tofile(folder / "reference.pcm")


if __name__ == "__main__":
    main()
