"""Writes ONNX graphs node by node, with weights in one external data file that several graphs may share.

A `Graph` computes in float32 or float16 ("inside": inputs and outputs stay float32). Its linear layers hold their
weights in one of four formats:

* float32, float16: MatMul.
* int8: one scale per column; the activations are quantised in the graph with one scale per row, so that what a row
  gets does not depend on the rows beside it. MatMulInteger, CPU.
* int4: MatMulNBits, blocks of 32, symmetric; computes with 8 bits on the CPU.
"""

import contextlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

OPSET = 17
CONTRIB = "com.microsoft"
ALIGNMENT = 4_096
INLINE_BELOW = 1_024
BLOCK = 32
TYPES = {
    np.dtype(np.float32): TensorProto.FLOAT,
    np.dtype(np.float16): TensorProto.FLOAT16,
    np.dtype(np.int64): TensorProto.INT64,
    np.dtype(np.int32): TensorProto.INT32,
    np.dtype(np.int8): TensorProto.INT8,
    np.dtype(np.uint8): TensorProto.UINT8,
    np.dtype(np.bool_): TensorProto.BOOL,
}


class WeightFile:
    """An external data file; a name is written once, whoever asks for it."""

    def __init__(self, path):
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = self.path.open("wb")
        self.places = {}

    def place(self, name, make):
        """(type, dims, offset, length) of the array that `make` makes when the name is new."""
        if name not in self.places:
            array = np.ascontiguousarray(make())
            self.file.write(b"\0" * (-self.file.tell() % ALIGNMENT if array.nbytes >= ALIGNMENT else 0))
            self.places[name] = (TYPES[array.dtype], array.shape, self.file.tell(), array.nbytes)
            array.tofile(self.file)
        return self.places[name]

    def close(self):
        self.file.close()


class Graph:
    """One ONNX graph under construction. Values are names."""

    def __init__(self, weights, inside=np.float32, linear="float32"):
        self.weights = weights
        self.inside = np.dtype(inside)
        self.linear_format = linear
        # Formats of the CPU have the runtime's own operators where they are fewer: what a session plans grows with the square
        # of its nodes.
        self.for_cpu = linear in ("int8", "int4")
        self.nodes, self.inputs, self.outputs, self.initializers = [], [], [], {}
        self.count = 0

    # Nodes and values

    def op(self, kind, *inputs, outputs=1, domain="", **attributes):
        """Adds a node; answers the name of its output, or their names."""
        self.count += 1
        names = [f"{kind}_{self.count}" + (f"_{index}" if outputs > 1 else "") for index in range(outputs)]
        inputs = [self.constant(value) if isinstance(value, np.ndarray) else value for value in inputs]
        self.nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def input(self, name, kind, dims):
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[np.dtype(kind)], dims))
        return name

    def output(self, name, value, kind, dims):
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, TYPES[np.dtype(kind)], dims))

    def constant(self, array):
        """A small tensor inside the graph file."""
        self.count += 1
        name = f"constant_{self.count}"
        self.initializers[name] = onnx.numpy_helper.from_array(array, name)
        return name

    def number(self, value):
        """A scalar of the type that the graph computes in."""
        return self.constant(np.array(value, self.inside))

    def weight(self, name, make):
        """A tensor in the data file (or inside the graph when it is tiny). `make` answers the array."""
        if name in self.initializers:
            return name
        kind, dims, offset, length = self.weights.place(name, make)
        tensor = TensorProto(name=name, data_type=kind, dims=dims)
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": self.weights.path.name, "offset": offset, "length": length}.items():
            tensor.external_data.add(key=key, value=str(value))
        self.initializers[name] = tensor
        return name

    def parameter(self, name, values):
        """A weight of the type that the graph computes in; `values` is a float32 array."""
        if values.nbytes < INLINE_BELOW:
            return self.constant(values.astype(self.inside))
        return self.weight(f"{name}.{self.inside.name}", lambda: values.astype(self.inside))

    @contextlib.contextmanager
    def body(self):
        """Nodes added meanwhile belong to a subgraph, whose outer values stay visible. Weights stay outside."""
        outer = self.nodes, self.inputs, self.outputs
        inner = type("Body", (), {})()
        self.nodes, self.inputs, self.outputs = inner.nodes, inner.inputs, inner.outputs = [], [], []
        try:
            yield inner
        finally:
            self.nodes, self.inputs, self.outputs = outer
        inner.graph = helper.make_graph(inner.nodes, "body", inner.inputs, inner.outputs)

    # Arithmetic

    def shape(self, value, axis):
        """One size of a value, as a tensor of one number."""
        return self.op("Slice", self.op("Shape", value), ints(axis), ints(axis + 1))

    def dims(self, *sizes):
        """A shape of numbers and one-number tensors."""
        if all(isinstance(size, int) for size in sizes):
            return ints(*sizes)
        return self.op("Concat", *(ints(size) if isinstance(size, int) else size for size in sizes), axis=0)

    def reshape(self, value, *dims):
        """`dims` are numbers or one-number tensors."""
        return self.op("Reshape", value, self.dims(*dims))

    def transpose(self, value, *perm):
        return self.op("Transpose", value, perm=list(perm))

    def cast(self, value, kind):
        return self.op("Cast", value, to=TYPES[np.dtype(kind)])

    def into(self, value):
        """From float32 to the type that the graph computes in."""
        return value if self.inside == np.float32 else self.cast(value, self.inside)

    def out_of(self, value):
        """Back to float32."""
        return value if self.inside == np.float32 else self.cast(value, np.float32)

    def gelu(self, value):
        return self.op("Gelu", value, domain=CONTRIB)

    def layer_norm(self, value, name, weight, bias):
        scale, shift = self.parameter(f"{name}.weight", weight), self.parameter(f"{name}.bias", bias)
        return self.op("LayerNormalization", value, scale, shift, axis=-1, epsilon=1e-5)

    def rms_norm(self, value, name, weight, epsilon):
        """In float32, as the official code; the pattern is one that ONNX Runtime fuses."""
        if self.for_cpu:
            scale = self.parameter(f"{name}.weight", weight)
            return self.op("SimplifiedLayerNormalization", value, scale, axis=-1, epsilon=epsilon, stash_type=1)
        wide = self.out_of(value)
        squares = self.op("ReduceMean", self.op("Pow", wide, np.array(2, np.float32)), axes=[-1], keepdims=1)
        root = self.op("Sqrt", self.op("Add", squares, np.array(epsilon, np.float32)))
        return self.op("Mul", self.into(self.op("Div", wide, root)), self.parameter(f"{name}.weight", weight))

    def products(self, value, layers, middles=None):
        """Linear layers over the same input: {name: ([out, in] float32 matrix, bias or None)} → outputs by name. `middles`:
        of an input [rows, in], 128 for each row, as uint8."""
        quantised = self.quantise_rows(value, middles) if self.linear_format == "int8" else None
        answers = {}
        for name, (matrix, bias) in layers.items():
            answer = self.product(value, quantised, name, matrix)
            answers[name] = answer if bias is None else self.op("Add", answer, self.parameter(f"{name}.bias", bias))
        return answers

    def linear(self, value, name, matrix, bias=None, middles=None):
        return self.products(value, {name: (matrix, bias)}, middles)[name]

    def product(self, value, quantised, name, matrix):
        outs, ins = matrix.shape
        if self.linear_format == "int8":
            rows, row_scales = quantised
            scales = np.maximum(np.abs(matrix).max(1), 1e-12).astype(np.float32) / 127
            packed = self.weight(f"{name}.int8", lambda: np.round(matrix / scales[:, None]).astype(np.int8).T)
            columns = self.weight(f"{name}.int8.scales", lambda: scales)
            one, middle = self.constant(np.array(1, np.float32)), self.constant(np.array(128, np.uint8))
            scaled = self.op("MatMulIntegerToFloat", rows, packed, one, columns, middle, domain=CONTRIB)
            return self.op("Mul", scaled, row_scales)
        if self.linear_format == "int4":
            blocks = -(-ins // BLOCK)
            packed, scales = pack_int4(matrix, blocks) if f"{name}.int4" not in self.weights.places else (None, None)
            codes = self.weight(f"{name}.int4", lambda: packed)
            factors = self.weight(f"{name}.int4.{self.inside.name}.scales", lambda: scales.astype(self.inside))
            return self.op(
                "MatMulNBits", value, codes, factors, domain=CONTRIB, K=ins, N=outs, bits=4, block_size=BLOCK,
                accuracy_level=4 if self.inside == np.float32 else 0,
            )  # fmt: skip
        return self.op("MatMul", value, self.weight(f"{name}.{self.inside.name}", lambda: matrix.T.astype(self.inside)))

    def quantise_rows(self, value, middles=None):
        """uint8 rows around 128 and the scale of each."""
        keep = 1 if middles is None else 0
        largest = self.op("ReduceMax", self.op("Abs", value), axes=[-1], keepdims=keep)
        scale = self.op("Div", self.op("Max", largest, np.array(1e-10, np.float32)), np.array(127, np.float32))
        if middles is not None:
            return self.op("QuantizeLinear", value, scale, middles, axis=0), self.op("Unsqueeze", scale, ints(1))
        steps = self.op("Round", self.op("Div", value, scale))
        return self.cast(self.op("Add", steps, np.array(128, np.float32)), np.uint8), scale

    def save(self, path, name):
        graph = helper.make_graph(self.nodes, name, self.inputs, self.outputs, list(self.initializers.values()))
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(CONTRIB, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="parlance")
        Path(path).write_bytes(model.SerializeToString())


def ints(*values):
    return np.array(values, np.int64)


def pack_int4(matrix, blocks):
    """MatMulNBits' layout: [out, blocks, BLOCK / 2] bytes, low half first, zero at 8; [out, blocks] scales."""
    outs, ins = matrix.shape
    padded = np.zeros((outs, blocks * BLOCK), np.float32)
    padded[:, :ins] = matrix
    padded = padded.reshape(outs, blocks, BLOCK)
    # The value of the largest magnitude becomes -8: sixteen steps, not fifteen.
    extreme = np.take_along_axis(padded, np.abs(padded).argmax(-1)[..., None], -1)
    scales = np.where(extreme == 0, 1, extreme / -8).astype(np.float32)
    codes = (np.clip(np.round(padded / scales), -8, 7) + 8).astype(np.uint8)
    return codes[..., 0::2] | codes[..., 1::2] << 4, scales.reshape(outs * blocks)
