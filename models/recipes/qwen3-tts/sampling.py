"""How a code is drawn inside a graph: as the sampler of shared/generation draws a token, from a number that is given."""

import numpy as np

from parts import ints, whole

# Below one by so much that float32 still tells it from the sum of all probabilities.
LARGEST_NOISE = np.float32(1 - 2**-23)


class Settings:
    """Temperature and top k of each row, made ready once for all the draws of a run."""

    def __init__(self, graph, temperature, top_k, codes):
        """`temperature` float32 [batch], 0: the likeliest; `top_k` int64 [batch], 0: all of the `codes`."""
        self.graph = graph
        column = ints(1)
        self.warm = graph.op("Greater", temperature, np.array(0, np.float32))
        self.divisor = graph.op("Unsqueeze", graph.op("Where", self.warm, temperature, np.array(1, np.float32)), column)
        limited = graph.op("Greater", top_k, whole(0))
        most = graph.op("Where", limited, graph.op("Min", top_k, whole(codes)), whole(codes))
        # A row that takes the likeliest does not make the others sort more.
        most = graph.op("Where", self.warm, most, whole(1))
        self.last = graph.op("Unsqueeze", graph.op("Sub", most, whole(1)), column)
        self.largest = graph.op("Reshape", graph.op("ReduceMax", most, keepdims=0), ints(1))

    def draw(self, scores, noise):
        """int64 [batch] by float32 scores [batch, codes] and noise [batch]."""
        graph = self.graph
        scaled = graph.op("Div", scores, self.divisor)
        best, _ = graph.op("TopK", scaled, self.largest, outputs=2, axis=1)
        least = graph.op("GatherElements", best, self.last, axis=1)
        top = graph.op("Slice", best, ints(0), ints(1), ints(1))
        weights = graph.op("Exp", graph.op("Sub", scaled, top))
        kept = graph.op("Where", graph.op("Less", scaled, least), np.array(0, np.float32), weights)
        sums = graph.op("CumSum", kept, whole(1))
        total = graph.op("Slice", sums, ints(-1), ints(2**31), ints(1))
        share = graph.op("Min", noise, np.array(LARGEST_NOISE, np.float32))
        at = graph.op("Mul", graph.op("Unsqueeze", share, ints(1)), total)
        before = graph.cast(graph.op("LessOrEqual", sums, at), np.float32)
        drawn = graph.cast(graph.op("ReduceSum", before, ints(1), keepdims=0), np.int64)
        return graph.op("Where", self.warm, drawn, graph.op("ArgMax", scores, axis=1, keepdims=0))
