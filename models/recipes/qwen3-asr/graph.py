"""Qwen3-ASR's layers as nodes of an ONNX graph, in the number format that is wanted.

A `Graph` computes in float32 or float16 ("inside": inputs and outputs stay float32). Its linear layers hold their
weights in one of four formats:

* float32, float16: MatMul.
* int8: one scale per column; the activations are quantised in the graph with one scale per row, so that what a row
  gets does not depend on the rows beside it. MatMulInteger, CPU.
* int4: MatMulNBits, blocks of 32, symmetric; computes with 8 bits on the CPU.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent / "shared"))

from onnx_writer import BLOCK, CONTRIB, GraphWriter, WeightFile, eight_bits, four_bits  # noqa: E402

# The newest whose ReduceMax ONNX Runtime has on CUDA.
OPSET = 17
# Smaller parameters lie inside the graph.
INLINE_BELOW = 1_024

__all__ = ["CONTRIB", "Graph", "WeightFile", "eight_bits", "ints"]


class Graph(GraphWriter):
    def __init__(self, weights, inside=np.float32, linear="float32"):
        super().__init__(weights, OPSET)
        self.inside = np.dtype(inside)
        self.linear_format = linear
        # Formats of the CPU have the runtime's own operators where they are fewer: what a session plans grows with the square
        # of its nodes.
        self.for_cpu = linear in ("int8", "int4")

    def input(self, name, kind, dims):
        return self.given(name, kind, dims)

    def output(self, name, value, kind, dims):
        self.answered(value, name, kind, dims)

    def number(self, value):
        """A scalar of the type that the graph computes in."""
        return self.constant(np.array(value, self.inside))

    def parameter(self, name, values):
        """A weight of the type that the graph computes in; `values` is a float32 array."""
        if values.nbytes < INLINE_BELOW:
            return self.constant(values.astype(self.inside))
        return self.external(f"{name}.{self.inside.name}", lambda: values.astype(self.inside))

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
            codes, scales = self.packed(f"{name}.int8", lambda: eight_bits(matrix))
            packed = self.external(f"{name}.int8", lambda: codes.T)
            columns = self.external(f"{name}.int8.scales", lambda: scales)
            rows, row_scales = quantised
            one, middle = self.constant(np.array(1, np.float32)), self.constant(np.array(128, np.uint8))
            scaled = self.op("MatMulIntegerToFloat", rows, packed, one, columns, middle, domain=CONTRIB)
            return self.op("Mul", scaled, row_scales)
        if self.linear_format == "int4":
            codes, scales = self.packed(f"{name}.int4", lambda: four_bits(matrix))
            packed = self.external(f"{name}.int4", lambda: codes)
            factors = self.external(f"{name}.int4.{self.inside.name}.scales", lambda: scales.astype(self.inside))
            return self.op(
                "MatMulNBits", value, packed, factors, domain=CONTRIB, K=ins, N=outs, bits=4, block_size=BLOCK,
                accuracy_level=4 if self.inside == np.float32 else 0,
            )  # fmt: skip
        return self.op("MatMul", value, self.external(f"{name}.{self.inside.name}", lambda: matrix.T.astype(self.inside)))

    def packed(self, name, make):
        """What `make` makes of a matrix, unless another graph has put it into the file already."""
        return (None, None) if name in self.data.places else make()

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
        self.write(path, name)


def ints(*values):
    return np.array(values, np.int64)
