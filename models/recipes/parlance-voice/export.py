"""A trained checkpoint as two ONNX graphs, encoder and decoder, and the proofs that they are right.

Encoder: `symbols`, `places` int64 [batch, symbols], `symbol_counts` int64 [batch] -> `states` float32 [batch, symbols,
width], `log_frames` float32 [batch, symbols]. Decoder: `states`, `index` int64 [batch, steps], `position` float32
[batch, steps, 4], `step_counts` int64 [batch] -> `parameters` float32 [batch, steps * 2, 32] in their own units. Large
weights are stored in half precision and widened by a Cast that the runtime folds when it loads the graph.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn

import corpus
from model import load
from train import collate

sys.path.append(str(Path(__file__).resolve().parent.parent / "shared"))

from half_weights import store_halves  # noqa: E402

OPSET = 17
HALF_FROM_ELEMENTS = 1024
ENCODER = (["symbols", "places", "symbol_counts"], ["states", "log_frames"])
DECODER = (["states", "index", "position", "step_counts"], ["parameters"])


class InUnits(nn.Module):
    """The decoder with its outputs in the targets' own units."""

    def __init__(self, model):
        super().__init__()
        self.decoder, self.mean, self.scale = model.decoder, model.mean, model.scale

    def forward(self, states, index, position, lengths):
        return self.decoder(states, index, position, lengths) * self.scale + self.mean


def export(model, folder):
    symbols = torch.randint(1, 20, (2, 30))
    counts = torch.tensor([30, 21])
    states, _ = model.encoder(symbols, symbols % 4, counts)
    index = torch.arange(100).repeat(2, 1) // 5
    rows = {0: "batch"}
    write(
        model.encoder,
        (symbols, symbols % 4, counts),
        folder / "encoder.onnx",
        ENCODER,
        {name: {0: "batch", 1: "symbols"} for name in ("symbols", "places", "states", "log_frames")} | {"symbol_counts": rows},
    )
    write(
        InUnits(model).eval(),
        (states, index.clamp(max=20), torch.rand(2, 100, 4), torch.tensor([100, 73])),
        folder / "decoder.onnx",
        DECODER,
        {
            "states": {0: "batch", 1: "symbols"},
            "index": {0: "batch", 1: "steps"},
            "position": {0: "batch", 1: "steps"},
            "step_counts": rows,
            "parameters": {0: "batch", 1: "frames"},
        },
    )


def write(module, example, path, names, axes):
    torch.onnx.export(
        module, example, str(path), input_names=names[0], output_names=names[1], dynamic_axes=axes, opset_version=OPSET, dynamo=False
    )
    store_halves(path, HALF_FROM_ELEMENTS)


def run(folder):
    """A function from a batch (as `collate` makes it) to what both graphs say of it."""
    sessions = [onnxruntime.InferenceSession(str(folder / f"{part}.onnx"), providers=["CPUExecutionProvider"]) for part in ("encoder", "decoder")]

    def both(batch):
        inputs = {name: values.numpy() for name, values in batch.items()}
        states, log_frames = sessions[0].run(
            None, {"symbols": inputs["symbols"], "places": inputs["places"], "symbol_counts": inputs["lengths"]}
        )
        (parameters,) = sessions[1].run(
            None, {"states": states, "index": inputs["index"], "position": inputs["position"], "step_counts": inputs["steps"]}
        )
        return log_frames, parameters

    return both


def check(folder, model, items):
    """Asserts that the graphs give what torch gives, and a padded row what it gives alone; returns the largest differences."""
    graphs = run(folder)
    measured = {"torchLogFrames": 0.0, "torchParameters": 0.0, "paddingLogFrames": 0.0, "paddingParameters": 0.0}
    together_batch = collate(items, None)
    together = graphs(together_batch)
    with torch.no_grad():
        for row, item in enumerate(items):
            batch = collate([item], None)
            log_frames, parameters = graphs(batch)
            states, expected_frames = model.encoder(batch["symbols"], batch["places"], batch["lengths"])
            expected = model.decoder(states, batch["index"], batch["position"], batch["steps"]) * model.scale + model.mean
            symbols, frames = log_frames.shape[1], parameters.shape[1]
            for name, ours, theirs in (
                ("torchLogFrames", log_frames, expected_frames.numpy()),
                ("torchParameters", parameters, expected.numpy()),
                ("paddingLogFrames", together[0][row, :symbols], log_frames[0]),
                ("paddingParameters", together[1][row, :frames], parameters[0]),
            ):
                # The logit of voicing is unbounded and only its sign counts.
                if name.endswith("Parameters"):
                    ours, theirs = np.delete(ours, 1, -1), np.delete(theirs, 1, -1)
                measured[name] = max(measured[name], float(np.abs(ours - theirs).max()))
    assert measured["paddingLogFrames"] < 1e-3 and measured["paddingParameters"] < 1e-3, measured
    # Half precision of the weights.
    assert measured["torchLogFrames"] < 0.05 and measured["torchParameters"] < 0.1, measured
    return {name: round(value, 6) for name, value in measured.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path, help="folder of the model")
    parser.add_argument("--shards", type=Path, required=True, help="shards to check with")
    options = parser.parse_args()
    model, _ = load(options.checkpoint)
    with torch.no_grad():
        export(model, options.out)
    size = sum((options.out / name).stat().st_size for name in ("encoder.onnx", "decoder.onnx"))
    print(f"{size / 1e6:.2f} MB", check(options.out, model, corpus.load(options.shards)[-8:]))


if __name__ == "__main__":
    main()
