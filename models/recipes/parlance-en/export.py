"""A trained checkpoint as one ONNX graph, samples in and log-probabilities out, and the proofs that it is right.

Inputs: `audio` float32 [batch, samples] at 16 kHz in [-1, 1], rows zero-padded at the end; `lengths` int64 [batch],
valid samples of each row. Outputs: `phones` and `characters` float32 [batch, frames, symbols] log-probabilities (id 0 is
the CTC blank), `frames` int64 [batch], valid frames of each row. The spectrum is a convolution with a Fourier basis;
batch normalisations that follow a convolution are folded into it; large weights are stored in half precision and
widened by a Cast that the runtime folds when it loads the graph.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import nn
import torch.nn.functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from features import FFT, HOP, RATE, WINDOW, filterbank, frame_count, mask_of, mel_power, normalise
from model import load
from shards import waveforms

sys.path.append(str(Path(__file__).resolve().parent.parent / "shared"))

from half_weights import store_halves  # noqa: E402

OPSET = 17
# Smaller tensors, and the Fourier basis, stay in single precision.
HALF_FROM_ELEMENTS = 4096


class WaveformRecogniser(nn.Module):
    """The recogniser with its features computed from samples by ordinary layers."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        model.first = fuse_conv_bn_eval(model.first, model.first_norm)
        model.second = fuse_conv_bn_eval(model.second, model.second_norm)
        model.first_norm, model.second_norm = nn.Identity(), nn.Identity()
        for block in [*model.blocks, model.spelling]:
            block.over_time = fuse_conv_bn_eval(block.over_time, block.norm)
            block.norm = nn.Identity()
        # torch.stft centres the window of 400 samples in its frame of 512: the phase starts 56 samples in.
        time = torch.arange(WINDOW, dtype=torch.float64) + (FFT - WINDOW) // 2
        angle = 2 * torch.pi * torch.arange(FFT // 2 + 1, dtype=torch.float64)[:, None] * time / FFT
        window = torch.hann_window(WINDOW, dtype=torch.float64)
        basis = torch.cat([window * torch.cos(angle), window * torch.sin(angle)]).float().unsqueeze(1)
        self.register_buffer("basis", basis)
        self.register_buffer("bank", filterbank())

    def forward(self, audio, lengths):
        audio = audio * mask_of(lengths, audio.shape[1])
        waves = F.conv1d(audio.unsqueeze(1), self.basis, stride=HOP, padding=WINDOW // 2)
        bins = FFT // 2 + 1
        power = torch.matmul((waves[:, :bins] ** 2 + waves[:, bins:] ** 2).transpose(1, 2), self.bank)
        frames = frame_count(lengths)
        return self.model(normalise(power, mask_of(frames, power.shape[1])), frames)


def export(model, path):
    """Writes the graph; `model` is changed (its normalisations are folded)."""
    wrapped = WaveformRecogniser(model).eval()
    audio, lengths = torch.randn(2, 32_000) * 0.1, torch.tensor([32_000, 20_000])
    torch.onnx.export(
        wrapped,
        (audio, lengths),
        str(path),
        input_names=["audio", "lengths"],
        output_names=["phones", "characters", "frames"],
        dynamic_axes={
            "audio": {0: "batch", 1: "samples"}, "lengths": {0: "batch"}, "phones": {0: "batch", 1: "frames"},
            "characters": {0: "batch", 1: "frames"}, "frames": {0: "batch"},
        },
        opset_version=OPSET,
        dynamo=False,
    )  # fmt: skip
    store_halves(path, HALF_FROM_ELEMENTS, lambda values: values.shape[-1] == WINDOW)


def greedy(scores):
    """Symbols of the best path of [frames, symbols] scores."""
    best = scores.argmax(-1)
    return [int(now) for now, before in zip(best, [0, *best[:-1]]) if now != before and now != 0]


def check(path, checkpoint, speech, trained):
    """Asserts what the graph promises. `speech` is a list of float32 waveforms; returns the measured differences.

    Only a `trained` model can be held to writing nothing for silence.
    """
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def run(rows):
        audio = np.zeros((len(rows), max(max(map(len, rows)), 1)), np.float32)
        for place, row in enumerate(rows):
            audio[place, : len(row)] = row
        return session.run(None, {"audio": audio, "lengths": np.array([len(row) for row in rows], np.int64)})

    measured = {"torch": 0.0, "padding": 0.0}
    reference, _ = load(checkpoint)
    alone = [run([row]) for row in speech]
    with torch.no_grad():
        for row, (phones, characters, frames) in zip(speech, alone):
            power = mel_power(torch.from_numpy(row)[None], filterbank(), torch.hann_window(WINDOW))
            count = torch.tensor([power.shape[1]])
            expected = reference(normalise(power, mask_of(count, power.shape[1])), count)
            assert frames[0] == expected[2][0] == phones.shape[1], "frame counts differ"
            for ours, theirs in ((phones, expected[0]), (characters, expected[1])):
                # Log-probabilities of symbols that cannot win differ most and matter least.
                likely = theirs[0].numpy() > -6
                measured["torch"] = max(measured["torch"], float(np.abs(ours[0] - theirs[0].numpy())[likely].max()))
    together = run(speech)
    for place, (phones, characters, frames) in enumerate(alone):
        count = int(frames[0])
        assert together[2][place] == count, "a padded row has another frame count"
        for ours, theirs in ((together[0], phones), (together[1], characters)):
            measured["padding"] = max(measured["padding"], float(np.abs(ours[place, :count] - theirs[0]).max()))
    assert measured["padding"] < 1e-3, measured
    assert measured["torch"] < 0.1, measured
    noise = np.random.default_rng(0)
    for name, row in {
        "digital silence": np.zeros(3 * RATE, np.float32),
        "faint noise": (noise.standard_normal(3 * RATE) * 1e-4).astype(np.float32),
        "10 ms": (noise.standard_normal(160) * 0.1).astype(np.float32),
        "one sample": np.zeros(1, np.float32),
        "a constant": np.full(RATE, 0.5, np.float32),
    }.items():
        phones, characters, frames = run([row])
        assert frames[0] >= 1, name
        assert np.isfinite(phones).all() and np.isfinite(characters).all(), name
        if trained and name in ("digital silence", "faint noise"):
            assert greedy(phones[0]) == [] and greedy(characters[0]) == [], f"{name} decodes to something"
    late = np.concatenate([np.zeros(20 * RATE, np.float32), speech[0]])
    measured["same phones after 20 s of silence"] = greedy(run([late])[0][0]) == greedy(alone[0][0][0])
    measured["same phones at a hundredth of the level"] = greedy(run([speech[0] * 0.01])[0][0]) == greedy(alone[0][0][0])
    return measured


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--speech", type=Path, required=True, help="shard to check with (path without suffix)")
    parser.add_argument("--trial", action="store_true", help="the model is not trained enough to be silent in silence")
    options = parser.parse_args()
    model, _ = load(options.checkpoint)
    export(model, options.out)
    speech = [audio for audio, _ in waveforms(options.speech, 6)]
    print(f"{options.out.stat().st_size / 1e6:.2f} MB", check(options.out, options.checkpoint, speech, not options.trial))


if __name__ == "__main__":
    main()
