"""Writes ONNX graphs node by node, with their weights in files beside them, which several graphs may share.

A value is its name. What a recipe's layers are made of is the recipe's own (`Graph` in whisper/onnx_graph.py and in
qwen3-asr/graph.py); here is what every graph is made of: nodes, subgraphs, constants, weights, and how numbers become few bits.
Inputs and outputs are float32 or integers in every format, because Node cannot pass float16 tensors.
"""

import contextlib
import hashlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
# ONNX Runtime's own operators.
CONTRIB = "com.microsoft"
TYPES = {
    np.dtype(kind): helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    for kind in (np.float32, np.float16, np.int64, np.int32, np.int8, np.uint8, np.bool_)
}
# Large tensors begin at a page, so that ONNX Runtime can map the file.
PAGE, LARGE, ALIGNMENT = 4096, 1 << 20, 64
# Numbers of four bits share a scale.
BLOCK = 32
# A constant of so many numbers is named by them, a longer one by their checksum.
LISTED = 32


class WeightFile:
    """An external data file; a tensor is written once, whoever asks for it."""

    def __init__(self, path):
        self.path, self.places, self.end = Path(path), {}, 0
        self.file = self.open()

    def open(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.path.open("wb")

    def place(self, name, make):
        """(type, dims, offset, length) of the array that `make` makes when the name is new."""
        if name not in self.places:
            array = np.ascontiguousarray(make())
            offset = self.end + -self.end % (PAGE if array.nbytes >= LARGE else ALIGNMENT)
            self.write(b"\0" * (offset - self.end), array)
            self.places[name] = (TYPES[array.dtype], array.shape, offset, array.nbytes)
            self.end = offset + array.nbytes
        return self.places[name]

    def write(self, padding, array):
        self.file.write(padding)
        array.tofile(self.file)

    def close(self):
        self.file.close()


class GraphWriter:
    """One graph under construction."""

    def __init__(self, weights, opset=OPSET):
        self.data, self.opset = weights, opset
        self.nodes, self.inputs, self.outputs, self.initializers = [], [], [], {}
        self.count = 0

    def op(self, kind, *inputs, outputs=1, domain="", name=None, **attributes):
        """Adds a node; answers its output, or a list of them. Arrays among the inputs become constants."""
        self.count += 1
        names = [name] if name else [f"{kind.lower()}_{self.count}" + (f"_{index}" if outputs > 1 else "") for index in range(outputs)]
        inputs = [self.constant(value) if isinstance(value, np.ndarray) else value for value in inputs]
        self.nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def given(self, name, kind, dims):
        """An input as it comes."""
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[np.dtype(kind)], dims))
        return name

    def answered(self, value, name, kind, dims, by="Identity", **attributes):
        """An output, as it is or `by` one more node."""
        self.outputs.append(helper.make_tensor_value_info(name, TYPES[np.dtype(kind)], dims))
        self.op(by, value, name=name, **attributes)

    def cast(self, value, kind):
        return self.op("Cast", value, to=TYPES[np.dtype(kind)])

    @contextlib.contextmanager
    def body(self):
        """What is added meanwhile is a subgraph, which sees all that was there before. Constants and weights stay outside."""
        outer = self.nodes, self.inputs, self.outputs
        inner = type("Body", (), {})()
        self.nodes, self.inputs, self.outputs = nodes, inputs, outputs = [], [], []
        try:
            yield inner
        finally:
            self.nodes, self.inputs, self.outputs = outer
        inner.graph = helper.make_graph(nodes, "body", inputs, outputs)

    def constant(self, value, kind=np.int64):
        """A small tensor inside the graph, once for each value. `kind` is the type of what is no array yet."""
        array = value if isinstance(value, np.ndarray) else np.asarray(value, kind)
        values = "_".join(map(str, array.flatten().tolist())) if array.size <= LISTED else hashlib.sha256(array.tobytes()).hexdigest()[:16]
        name = f"constant_{array.dtype}_{'x'.join(map(str, array.shape))}_{values}"
        if name not in self.initializers:
            self.initializers[name] = numpy_helper.from_array(array, name)
        return name

    def external(self, name, make):
        """A tensor in the file beside the graph. `make` answers the array."""
        if name in self.initializers:
            return name
        kind, dims, offset, length = self.data.place(name, make)
        tensor = TensorProto(name=name, dims=dims, data_type=kind)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", self.data.path.name), ("offset", offset), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))
        self.initializers[name] = tensor
        return name

    def write(self, path, name):
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, list(self.initializers.values()))
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid(CONTRIB, 1)]
        onnx.save_model(helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="parlance"), str(path))


def eight_bits(matrix):
    """int8 codes of a float32 [out, in] matrix, and a scale for each of its rows."""
    scales = np.maximum(np.abs(matrix).max(1) / 127, 1e-12).astype(np.float32)
    return np.clip(np.rint(matrix / scales[:, None]), -127, 127).astype(np.int8), scales


def four_bits(matrix):
    """MatMulNBits' layout of a float32 [out, in] matrix: [out, blocks, BLOCK / 2] bytes, low half first, zero at 8; [out * blocks] scales."""
    outs, ins = matrix.shape
    blocks = -(-ins // BLOCK)
    padded = np.zeros((outs, blocks * BLOCK), np.float32)
    padded[:, :ins] = matrix
    padded = padded.reshape(outs, blocks, BLOCK)
    # The value of the largest magnitude becomes -8, so that all sixteen steps are used.
    extreme = np.take_along_axis(padded, np.abs(padded).argmax(-1)[..., None], -1)
    scales = np.where(extreme == 0, 1, extreme / -8).astype(np.float32)
    codes = (np.clip(np.rint(padded / scales), -8, 7) + 8).astype(np.uint8)
    return codes[..., 0::2] | codes[..., 1::2] << 4, scales.reshape(-1)
