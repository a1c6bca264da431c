"""Whisper at its true sizes with random weights, for benches: nothing is downloaded, and what it says is nonsense at the
price of the real thing.

    python true_size.py base build/whisper-base-random [--formats float32,int8] [--peers]

The folder gets Parlance's own layout; with `--peers` also `openai/<size>.pt`, `transformers/` and optimum's graphs in
`optimum/`, so that every engine reads the same weights. A model of plain noise never ends a text: give benches a budget.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

import torch
from whisper import _ALIGNMENT_HEADS
from whisper.model import ModelDimensions, Whisper

from export import export

# Width, heads, layers of the encoder and of the decoder.
SIZES = {
    "tiny": (384, 6, 4, 4), "base": (512, 8, 6, 6), "small": (768, 12, 12, 12), "medium": (1024, 16, 24, 24),
    "large-v2": (1280, 20, 32, 32), "large-v3": (1280, 20, 32, 32), "large-v3-turbo": (1280, 20, 32, 4),
}  # fmt: skip


def random_model(size, seed=0):
    width, heads, encoder, decoder = SIZES[size]
    third = size.startswith("large-v3")
    dims = ModelDimensions(128 if third else 80, 1500, width, heads, encoder, 51866 if third else 51865, 448, width, heads, decoder)
    torch.manual_seed(seed)
    model = Whisper(dims)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.02)
    model.set_alignment_heads(_ALIGNMENT_HEADS[size])
    return model.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--formats", default="float32,int8")
    parser.add_argument("--peers", action="store_true")
    options = parser.parse_args()
    model = random_model(options.size)
    export(model, options.folder, options.formats.split(","), options.folder.name, source="random weights", license="MIT")
    if options.peers:
        from published_layout import export as published_export, save_transformers

        for part in ("openai", "transformers", "optimum"):
            (options.folder / part).mkdir(exist_ok=True)
        torch.save({"dims": asdict(model.dims), "model_state_dict": model.state_dict()}, options.folder / "openai" / f"{options.size}.pt")
        save_transformers(model, options.folder / "transformers")
        published_export(options.folder / "transformers", options.folder / "optimum")


if __name__ == "__main__":
    main()
