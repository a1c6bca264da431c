"""Whisper's layers as nodes of an ONNX graph, in the number format that is wanted.

In `int8` every matrix of a linear layer is int8 with one scale for each output, and activations are quantised as they
come. One scale serves the whole run (DynamicQuantizeMatMul of ONNX Runtime). After `alone` each of its vectors has one,
so that what a row gets does not depend on the rows beside it. In `int4` weights are in blocks of 32, each with a scale
(MatMulNBits), which suits few rows at a time. In `float16` everything inside is float16.
"""

import sys
from pathlib import Path

import numpy as np
from onnx import numpy_helper

sys.path.append(str(Path(__file__).resolve().parent.parent / "shared"))

from onnx_writer import BLOCK, CONTRIB, OPSET, TYPES, GraphWriter, WeightFile, eight_bits, four_bits  # noqa: E402


class Graph(GraphWriter):
    def __init__(self, name, compute, path, opset=OPSET):
        """`path`: the .onnx file; its weights go to the same name with .bin."""
        self.name, self.compute, self.path = name, compute, Path(path)
        super().__init__(WeightFile(self.path.with_suffix(".bin")), opset)
        # What the inside computes in.
        self.inside = "float16" if compute == "float16" else "float32"
        self.float = np.float16 if compute == "float16" else np.float32
        # How a fixture makes its weights again, by name: a tensor of the checkpoint, turned around or a part of its rows.
        self.sources = {}
        self.middles, self.codes = None, {}

    def input(self, name, kind, dims):
        """A float32 input is cast when the inside is float16."""
        self.given(name, kind, dims)
        return self.cast(name, self.float) if kind == "float32" and self.float == np.float16 else name

    def output(self, value, name, kind, dims):
        if kind == "float32" and self.float == np.float16:
            self.answered(value, name, kind, dims, "Cast", to=TYPES[np.dtype(np.float32)])
        else:
            self.answered(value, name, kind, dims)

    def weight(self, name, array, source=None, transposed=False, rows=None, form=None):
        """A tensor in the file beside the graph. `form`: how it is made of its source, where it is not the same numbers."""
        self.external(name, lambda: array)
        offset = self.data.places[name][2]
        self.sources[name] = {"source": source, "transposed": transposed, "rows": rows, "offset": offset, **({"form": form} if form else {})}
        return name

    def floats(self, name, array):
        """A weight that is never quantised."""
        return self.weight(name, array.astype(self.float), source=name)

    def linear(self, x, name, weights, bias=True):
        """x [..., in] → [..., out] by `weights[name.weight]` [out, in] and its bias."""
        matrix = weights[f"{name}.weight"]
        offset = self.floats(f"{name}.bias", weights[f"{name}.bias"]) if bias else None
        if self.compute == "int8":
            return self.quantised(x, f"{name}.weight", matrix, offset)
        if self.compute == "int4":
            product = self.four_bits(x, f"{name}.weight", matrix)
        else:
            product = self.op("MatMul", x, self.weight(f"{name}.weight", matrix.T.astype(self.float), f"{name}.weight", True))
        return self.op("Add", product, offset) if bias else product

    def quantised(self, x, name, matrix, offset=None, rows=None):
        """x by the tensor `name`, turned around, or by `rows` of it, [out, in]."""
        codes, scales = eight_bits(matrix)
        part = name if rows is None else f"{name}.{rows[0]}"
        columns = [
            self.weight(f"{part}.int8", codes.T, name, True, rows, "int8"),
            self.weight(f"{part}.scale", scales, name, False, rows, "scale"),
        ]
        if self.middles is None:
            zero = self.constant(np.zeros(1, np.int8))
            return self.op("DynamicQuantizeMatMul", x, *columns, zero, *([offset] if offset else []), domain=CONTRIB)
        codes, scales = self.quantised_alone(x, matrix.shape[1])
        one, middle = self.constant(1, np.float32), self.constant(128, np.uint8)
        product = self.op("MatMulIntegerToFloat", codes, columns[0], one, columns[1], middle, domain=CONTRIB)
        product = self.op("Mul", product, scales)
        product = self.op("Add", product, offset) if offset else product
        shape = self.op("Concat", self.sizes, self.constant([len(matrix)]), axis=0)
        return self.op("Reshape", product, shape)

    def four_bits(self, x, name, matrix, rows=None):
        """x by the tensor `name`, turned around, or by `rows` of it, [out, in]; computed in eight bits, each vector of x on its own."""
        outs, ins = matrix.shape
        codes, scales = four_bits(matrix)
        part = name if rows is None else f"{name}.{rows[0]}"
        weights = [self.weight(f"{part}.int4", codes, name, False, rows, "int4"), self.weight(f"{part}.int4.scale", scales, name, False, rows, "blockScale")]
        return self.op("MatMulNBits", x, *weights, domain=CONTRIB, K=ins, N=outs, bits=4, block_size=BLOCK, accuracy_level=4)

    def alone(self, vectors):
        """From here on int8 layers take [batch, N, in], with a scale for each of its vectors; `vectors`: a value [batch, N]."""
        if self.compute == "int8":
            self.sizes = self.op("Shape", vectors)
            count = self.op("ReduceProd", self.sizes, keepdims=1)
            self.middles = self.op("ConstantOfShape", count, value=numpy_helper.from_array(np.full(1, 128, np.uint8)))

    def quantised_alone(self, x, width):
        """uint8 [batch · N, in] around 128 and the scale of each [batch · N, 1], once for all layers over the same input."""
        if x not in self.codes:
            flat = self.op("Reshape", x, self.constant([-1, width]))
            largest = self.op("ReduceMax", self.op("Abs", flat), self.constant([1]), keepdims=0)
            scales = self.op("Div", self.op("Max", largest, self.constant(1e-10, np.float32)), self.constant(127, np.float32))
            codes = self.op("QuantizeLinear", flat, scales, self.middles, axis=0)
            self.codes[x] = codes, self.op("Unsqueeze", scales, self.constant([1]))
        return self.codes[x]

    def gelu(self, x):
        # Before opset 20 it is ONNX Runtime's own.
        return self.op("Gelu", x, domain="" if self.opset >= 20 else CONTRIB)

    def norm(self, x, name, weights):
        scale, offset = (self.floats(f"{name}.{part}", weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self.op("LayerNormalization", x, scale, offset, axis=-1, epsilon=1e-5)

    def save(self):
        self.data.close()
        self.write(self.path, self.name)
