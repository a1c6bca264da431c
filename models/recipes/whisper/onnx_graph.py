"""Writes ONNX graphs node by node, with the weights in a file beside them, in the number format that is wanted.

In `int8` every matrix of a linear layer is int8 with one scale for each output, and activations are quantised as they
come: with one scale for the whole run (DynamicQuantizeMatMul of ONNX Runtime) or, after `alone`, with one for each of
its vectors, so that what a row gets does not depend on the rows beside it. In `int4` weights are in blocks of 32, each with
a scale (MatMulNBits), which suits few rows at a time. In `float16` everything inside is float16;
inputs and outputs stay float32 in every format, because Node cannot pass float16 tensors.
"""

import contextlib
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
TYPES = {
    "float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "int32": TensorProto.INT32, "int64": TensorProto.INT64, "bool": TensorProto.BOOL,
}  # fmt: skip
BLOCK = 32
# Large tensors begin at a page, so that ONNX Runtime can map the file.
PAGE, LARGE = 4096, 1 << 20


class Graph:
    def __init__(self, name, compute, path, opset=OPSET):
        """`path`: the .onnx file; its weights go to the same name with .bin."""
        self.name, self.compute, self.path, self.opset = name, compute, Path(path), opset
        # What the inside computes in.
        self.inside = "float16" if compute == "float16" else "float32"
        self.float = np.float16 if compute == "float16" else np.float32
        self.nodes, self.weights, self.inputs, self.outputs = [], {}, [], []
        # How a fixture makes its weights again, by name: a tensor of the checkpoint, turned around or a part of its rows.
        self.sources = {}
        self.data = open(self.path.with_suffix(".bin"), "wb")
        self.count = 0
        self.middles, self.codes = None, {}

    def op(self, kind, *inputs, outputs=1, domain="", name=None, **attributes):
        """Adds a node; answers its output, or a list of them."""
        self.count += 1
        names = [name] if name else [f"{kind.lower()}_{self.count}" + (f"_{index}" if outputs > 1 else "") for index in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def given(self, name, kind, dims):
        """An input as it comes."""
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[kind], dims))
        return name

    def input(self, name, kind, dims):
        """A float32 input is cast when the inside is float16."""
        self.given(name, kind, dims)
        return self.op("Cast", name, to=TensorProto.FLOAT16) if kind == "float32" and self.float == np.float16 else name

    def answered(self, value, name, kind, dims):
        """An output as it is."""
        self.outputs.append(helper.make_tensor_value_info(name, TYPES[kind], dims))
        self.op("Identity", value, name=name)

    @contextlib.contextmanager
    def body(self):
        """What is added meanwhile is a subgraph, which sees all that was there before. Weights stay outside."""
        outer = self.nodes, self.inputs, self.outputs
        inner = type("Body", (), {})()
        self.nodes, self.inputs, self.outputs = nodes, inputs, outputs = [], [], []
        try:
            yield inner
        finally:
            self.nodes, self.inputs, self.outputs = outer
        inner.graph = helper.make_graph(nodes, "body", inputs, outputs)

    def output(self, value, name, kind, dims):
        self.outputs.append(helper.make_tensor_value_info(name, TYPES[kind], dims))
        if kind == "float32" and self.float == np.float16:
            self.op("Cast", value, name=name, to=TensorProto.FLOAT)
        else:
            self.op("Identity", value, name=name)

    def constant(self, value, kind=np.int64):
        """A small tensor inside the graph."""
        array = np.asarray(value, kind)
        name = f"constant_{array.dtype}_{'x'.join(map(str, array.shape))}_{'_'.join(map(str, array.flatten().tolist()))}"
        if name not in self.weights:
            self.weights[name] = numpy_helper.from_array(array, name)
        return name

    def weight(self, name, array, source=None, transposed=False, rows=None, form=None):
        """A tensor in the file beside the graph. `form`: how it is made of its source, where it is not the same numbers."""
        if name in self.weights:
            return name
        array = np.ascontiguousarray(array)
        start = self.data.tell()
        step = PAGE if array.nbytes >= LARGE else 64
        offset = -(-start // step) * step
        self.data.write(b"\0" * (offset - start))
        self.data.write(array.tobytes())
        tensor = TensorProto(name=name, dims=array.shape, data_type=helper.np_dtype_to_tensor_dtype(array.dtype))
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", self.path.with_suffix(".bin").name), ("offset", offset), ("length", array.nbytes)):
            tensor.external_data.add(key=key, value=str(value))
        self.weights[name] = tensor
        self.sources[name] = {"source": source, "transposed": transposed, "rows": rows, "offset": offset, **({"form": form} if form else {})}
        return name

    def floats(self, name, array):
        """A weight that is never quantised."""
        return self.weight(name, array.astype(self.float), source=name)

    def linear(self, x, name, weights, bias=True):
        """x [..., in] → [..., out] by `weights[name.weight]` [out, in] and its bias."""
        matrix = weights[f"{name}.weight"].T
        offset = self.floats(f"{name}.bias", weights[f"{name}.bias"]) if bias else None
        if self.compute == "int8":
            return self.quantised(x, f"{name}.weight", matrix, offset)
        if self.compute == "int4":
            product = self.four_bits(x, f"{name}.weight", weights[f"{name}.weight"])
            return self.op("Add", product, offset) if bias else product
        product = self.op("MatMul", x, self.weight(f"{name}.weight", matrix.astype(self.float), f"{name}.weight", True))
        return self.op("Add", product, offset) if bias else product

    def quantised(self, x, name, matrix, offset=None, rows=None):
        """x by the tensor `name`, turned around, or by `rows` of it."""
        scale = np.maximum(np.abs(matrix).max(axis=0) / 127, 1e-12).astype(np.float32)
        rounded = np.clip(np.rint(matrix / scale), -127, 127).astype(np.int8)
        part = name if rows is None else f"{name}.{rows[0]}"
        columns = [
            self.weight(f"{part}.int8", rounded, name, True, rows, "int8"),
            self.weight(f"{part}.scale", scale, name, False, rows, "scale"),
        ]
        if self.middles is None:
            zero = self.constant(np.zeros(1), np.int8)
            return self.op("DynamicQuantizeMatMul", x, *columns, zero, *([offset] if offset else []), domain="com.microsoft")
        codes, scales = self.quantised_alone(x, len(matrix))
        one, middle = self.constant(1, np.float32), self.constant(128, np.uint8)
        product = self.op("MatMulIntegerToFloat", codes, columns[0], one, columns[1], middle, domain="com.microsoft")
        product = self.op("Mul", product, scales)
        product = self.op("Add", product, offset) if offset else product
        shape = self.op("Concat", self.sizes, self.constant([matrix.shape[1]]), axis=0)
        return self.op("Reshape", product, shape)

    def four_bits(self, x, name, matrix, rows=None):
        """x by the tensor `name`, turned around, or by `rows` of it, [out, in]; computed in eight bits, each vector of x on its own."""
        outs, ins = matrix.shape
        blocks = matrix.reshape(outs, ins // BLOCK, BLOCK)
        # The value of the largest magnitude becomes -8, so that all sixteen steps are used.
        extreme = np.take_along_axis(blocks, np.abs(blocks).argmax(-1)[..., None], -1)
        scales = np.where(extreme == 0, 1, extreme / -8).astype(np.float32)
        steps = (np.clip(np.rint(blocks / scales), -8, 7) + 8).astype(np.uint8)
        part = name if rows is None else f"{name}.{rows[0]}"
        codes = self.weight(f"{part}.int4", steps[..., 0::2] | steps[..., 1::2] << 4, name, False, rows, "int4")
        factors = self.weight(f"{part}.int4.scale", scales.reshape(-1), name, False, rows, "blockScale")
        return self.op("MatMulNBits", x, codes, factors, domain="com.microsoft", K=ins, N=outs, bits=4, block_size=BLOCK, accuracy_level=4)

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
        return self.op("Gelu", x, domain="" if self.opset >= 20 else "com.microsoft")

    def norm(self, x, name, weights):
        scale, offset = (self.floats(f"{name}.{part}", weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self.op("LayerNormalization", x, scale, offset, axis=-1, epsilon=1e-5)

    def save(self):
        self.data.close()
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, list(self.weights.values()))
        opsets = [helper.make_opsetid("", self.opset), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="parlance")
        onnx.save_model(model, str(self.path))
