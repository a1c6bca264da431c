"""The same recogniser in coarser numbers, made of an exported graph: what windows of live speech are heard with.

Its linear layers multiply in eight bits: weights with a scale for each of their outputs, what comes in with a range that was measured
on speech, the same for every row, so that a row does not depend on those beside it. A rectifier in front is the lower end of that range,
and the gate of a residual block is a part of its last weights. The spectrum is exact, with half the products: a real window that is
symmetric about its middle is made of sums and differences of what lies left and right of it.

    python quick_graph.py ../../parlance-en/model.onnx ../../parlance-en/quick.onnx --speech ../../parlance-en/samples

The same graph and the same speech give the same file. Prints how far it is from the exact one.
"""

import argparse
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import helper

from edited_graph import EditedGraph

sys.path.append(str(Path(__file__).resolve().parent.parent / "shared"))

from half_weights import store_halves  # noqa: E402

HOP, WINDOW, FFT = 160, 400, 512
HALF_FROM_ELEMENTS = 4096
# Parts of the measured range that are tried; of rare values beyond it the error is less than what the others gain.
RANGES = np.linspace(0.3, 1, 36)
# Values of a layer that its range is chosen by.
MOST_VALUES = 200_000


def fold_spectrum(graph):
    """Frames are put together of blocks of one hop, folded at their middle, and multiplied with half a basis of the bins that count."""
    bank = graph.weights["bank"]
    used = np.flatnonzero(bank.any(1))
    lowest, highest = used[0], used[-1]
    place, bins = np.arange(WINDOW // 2)[:, None], np.arange(lowest, highest + 1)[None]
    # Hann's window about its middle; the middle itself is both left and right.
    window = np.cos(np.pi * place / WINDOW) ** 2 * np.where(place == 0, 0.5, 1)
    angle = 2 * np.pi * bins * place / FFT
    graph.weight("bank", bank[lowest : highest + 1])
    graph.weight("cosines", (window * np.cos(angle)).astype(np.float32))
    graph.weight("sines", (window * np.sin(angle)).astype(np.float32))
    convolution, product = graph.named("Conv", "basis"), graph.named("MatMul", "bank")
    audio = graph.maker(convolution.input[0]).input[0]
    made = []

    def add(op, inputs, **attributes):
        made.append(helper.make_node(op, inputs, [f"spectrum.{len(made)}"], **attributes))
        return made[-1].output[0]

    def cut(value, *parts):
        """`parts`: (axis, begin, end, step)."""
        axes, begins, ends, steps = zip(*parts)
        bounds = {"begins": begins, "ends": ends, "axes": axes, "steps": steps}
        return add("Slice", [value, *(graph.integers(f"cut.{len(made)}.{name}", *given) for name, given in bounds.items())])

    # samples // HOP + 1 frames take two blocks more than there are frames: half a window lies before the first sample.
    hop = graph.integers("hop", HOP)
    samples = add("Gather", [add("Shape", [audio]), graph.integers("audio.samples", 1)])
    beyond = add("Sub", [add("Mul", [add("Div", [samples, hop]), hop]), samples])
    behind = add("Add", [beyond, graph.integers("behind", 3 * HOP - WINDOW // 2)])
    around = add("Concat", [graph.integers("before", 0, WINDOW // 2, 0), behind], axis=0)
    blocks = add("Reshape", [add("Pad", [audio, around]), graph.integers("blocks", 0, -1, HOP)])
    # A frame is a block, the next one, and a part of that behind; its middle is in the second. Mirrored blocks are the way back from there.
    middle = WINDOW // 2 - HOP
    mirrored = cut(blocks, (2, -1, -HOP - 1, -1))
    first, second, third = (1, 0, -2, 1), (1, 1, -1, 1), (1, 2, 1 << 31, 1)
    right = add("Concat", [cut(blocks, second, (2, middle, HOP, 1)), cut(blocks, third, (2, 0, WINDOW - 2 * HOP, 1))], axis=2)
    left = add("Concat", [cut(mirrored, second, (2, HOP - middle - 1, HOP, 1)), cut(mirrored, first, (2, 0, HOP - 1, 1))], axis=2)
    waves = [add("MatMul", [add("Add", [right, left]), "cosines"]), add("MatMul", [add("Sub", [right, left]), "sines"])]
    power = add("Add", [add("Mul", [wave, wave]) for wave in waves])
    graph.replace([product], *made, helper.make_node("MatMul", [power, "bank"], [product.output[0]]))


def fold_gates(graph):
    for product, addition in graph.layers():
        gate = graph.user(addition.output[0])
        if gate.op_type != "Mul" or not gate.input[0].endswith(".gate"):
            continue
        scale = graph.weights[gate.input[0]]
        graph.weights[product.input[1]] = graph.weights[product.input[1]] * scale
        graph.weights[addition.input[0]] = graph.weights[addition.input[0]] * scale
        addition.output[0] = gate.output[0]
        graph.nodes.remove(gate)


def transpose_whole(graph):
    """Four axes in front of the transposition: so the runtime makes one of it and of its own ordering of channels."""
    axis = graph.integers("height", 1)
    for convolution in [node for node in graph.nodes if node.op_type == "Conv" and len(graph.weights[node.input[1]].shape) == 4]:
        unsqueezed, squeezed = graph.maker(convolution.input[0]), graph.user(convolution.output[0])
        before, after = graph.maker(unsqueezed.input[0]), graph.user(squeezed.output[0])
        name = convolution.output[0]
        graph.replace(
            [convolution, before, unsqueezed, squeezed, after],
            helper.make_node("Unsqueeze", [before.input[0], axis], [f"{name}.high"]),
            helper.make_node("Transpose", [f"{name}.high"], [f"{name}.in"], perm=[0, 3, 1, 2]),
            helper.make_node("Conv", [f"{name}.in", *convolution.input[1:]], [name]),
            helper.make_node("Transpose", [name], [f"{name}.out"], perm=[0, 2, 3, 1]),
            helper.make_node("Squeeze", [f"{name}.out", axis], [after.output[0]]),
        )
        convolution_made = graph.maker(name)
        convolution_made.attribute.extend(convolution.attribute)


def inputs_of_layers(graph, speech):
    """Layer's input -> its values while the speech is heard: whole clips, and the shorter stretches that windows are of."""
    names = [product.input[0] for product, _ in graph.layers()]
    with tempfile.TemporaryDirectory() as folder:
        graph.save(Path(folder) / "told.onnx", names)
        session = open_graph(Path(folder) / "told.onnx")
        heard = [session.run(names, row) for clip in speech for row in map(one_row, (clip, clip[:16_000], clip[:40_000], clip[16_000:64_000]))]
    return {name: np.concatenate([values.ravel() for values in told]) for name, told in zip(names, zip(*heard))}


def best_range(values, rectified, random):
    """(scale, zero point) of the eight bits that have the least mean square error."""
    values = random.choice(values, min(len(values), MOST_VALUES), replace=False)
    best = None
    for part in RANGES:
        low, high = 0 if rectified else part * values.min(), part * values.max()
        scale = np.float32((high - low) / 255)
        zero = np.round(-low / scale)
        error = np.mean((np.clip(np.round(values / scale) + zero, 0, 255) - zero - values / scale) ** 2) * scale**2
        if best is None or error < best[0]:
            best = (error, scale, np.uint8(zero))
    return best[1:]


def quantise(graph, speech):
    told = inputs_of_layers(graph, speech)
    random = np.random.default_rng(1)
    for number, (product, addition) in enumerate(graph.layers()):
        source, weight = product.input
        rectifier = graph.maker(source)
        rectified = rectifier.op_type == "Relu"
        scale, zero = best_range(told[source], rectified, random)
        values = graph.weights.pop(weight)
        scales = (np.abs(values).max(0) / 127).astype(np.float32)
        layer = f"layer.{number}"
        coming = [graph.weight(f"{layer}.scale", scale), graph.weight(f"{layer}.zero", np.array(zero))]
        codes = graph.weight(f"{layer}.codes", np.round(values / scales).astype(np.int8))
        going = [graph.weight(f"{layer}.scales", scales), graph.weight(f"{layer}.zeros", np.zeros(len(scales), np.int8))]
        graph.replace(
            [product, addition],
            helper.make_node("QuantizeLinear", [rectifier.input[0] if rectified else source, *coming], [f"{layer}.in"]),
            helper.make_node(
                "MatMulIntegerToFloat",
                [f"{layer}.in", codes, coming[0], going[0], coming[1], going[1], addition.input[0]],
                [addition.output[0]],
                domain="com.microsoft",
            ),
        )
    graph.file.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def read_speech(folder):
    """float32 samples in [-1, 1] of the WAV files of a folder: 16 kHz, mono, 16 bits."""
    speech = []
    for path in sorted(folder.glob("*.wav")):
        with wave.open(str(path)) as file:
            speech.append(np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768)
    return speech


def open_graph(path):
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def one_row(samples):
    return {"audio": samples[None], "lengths": np.array([len(samples)], np.int64)}


def difference(exact, quick, speech):
    """Percent of the frames whose likeliest phone is another one, and the mean difference of log-probabilities that count."""
    sessions = [open_graph(path) for path in (exact, quick)]
    frames = other = 0
    differences = []
    for samples in speech:
        (was, *_), (now, *_) = (session.run(["phones"], one_row(samples)) for session in sessions)
        frames += was.shape[1]
        other += int((was.argmax(-1) != now.argmax(-1)).sum())
        differences.append(np.abs(was - now)[was > -3].mean())
    return round(100 * other / frames, 2), round(float(np.mean(differences)), 3)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("exact", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--speech", type=Path, required=True, help="folder of WAV files that the ranges are measured on")
    options = parser.parse_args()
    graph, speech = EditedGraph(options.exact), read_speech(options.speech)
    fold_spectrum(graph)
    fold_gates(graph)
    transpose_whole(graph)
    quantise(graph, speech)
    graph.save(options.out)
    store_halves(options.out, HALF_FROM_ELEMENTS, lambda values: values.shape[0] == WINDOW // 2)
    other, distance = difference(options.exact, options.out, speech)
    print(f"{options.out.stat().st_size / 1e6:.2f} MB; the likeliest phone differs in {other} % of the frames, log-probabilities by {distance}")


if __name__ == "__main__":
    main()
