"""An ONNX graph whose nodes are replaced; what is not needed any more is left out when it is saved."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class EditedGraph:
    """`weights`: name to values; halves that a Cast widens are there as what they are widened to."""

    def __init__(self, path):
        self.file = onnx.load(str(path))
        self.weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in self.file.graph.initializer}
        self.nodes = list(self.file.graph.node)
        for cast in [node for node in self.nodes if node.op_type == "Cast" and node.input[0] in self.weights]:
            self.weights[cast.output[0]] = self.weights.pop(cast.input[0]).astype(np.float32)
            self.nodes.remove(cast)

    def weight(self, name, values):
        self.weights[name] = values
        return name

    def integers(self, name, *values):
        return self.weight(name, np.array(values, np.int64))

    def maker(self, value):
        return next(node for node in self.nodes if value in node.output)

    def user(self, value):
        return next(node for node in self.nodes if value in node.input)

    def named(self, op, weight):
        return next(node for node in self.nodes if node.op_type == op and weight in node.input)

    def layers(self):
        """(multiplication, addition of the bias) of every linear layer; the spectrum has none."""
        products = [node for node in self.nodes if node.op_type == "MatMul" and node.input[1] in self.weights]
        layers = [(product, self.user(product.output[0])) for product in products]
        return [(product, addition) for product, addition in layers if addition.op_type == "Add" and addition.input[0] in self.weights]

    def replace(self, old, *new):
        place = self.nodes.index(old[0])
        self.nodes[place:place] = new
        for node in old:
            self.nodes.remove(node)

    def save(self, path, outputs=()):
        """`outputs`: values that are answered besides."""
        graph = self.file.graph
        needed, kept = {output.name for output in graph.output} | set(outputs), []
        for node in reversed(self.nodes):
            if needed & set(node.output):
                kept.insert(0, node)
                needed |= set(node.input)
        whole = onnx.ModelProto()
        whole.CopyFrom(self.file)
        del whole.graph.node[:], whole.graph.initializer[:]
        whole.graph.node.extend(kept)
        whole.graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in self.weights.items() if name in needed)
        whole.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs)
        onnx.save(whole, str(path))
