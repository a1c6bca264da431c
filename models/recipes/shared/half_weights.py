"""Large weights of a finished graph in half precision, each widened by a Cast that the runtime folds when it loads the graph."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def store_halves(path, from_elements, spared=lambda values: False):
    """Rewrites the graph at `path`. Tensors below `from_elements` numbers, and those that are `spared`, stay as they are."""
    graph_file = onnx.load(str(path))
    graph = graph_file.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < from_elements or spared(values):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)
    onnx.checker.check_model(graph_file)
    onnx.save(graph_file, str(path))
