"""The code predictor as ONNX: the fifteen steps of a frame are an ONNX Loop over one set of weights, sampling inside.

Unrolled, every step would have kernels of its own, and each of them its own packed copy of the weights. On the CPU the head of a step is
chosen by branches, because what is gathered is copied and cannot be packed when the graph is loaded; on a device a branch waits for the
host, and the copy takes no time.
"""

import numpy as np

from parts import MASKED, Transformer, ints, matrix, whole
from sampling import Settings


class Predictor:
    """Emits the predictor of one official talker into one graph. `table`: the graph's codecEmbeddings. `gathers`: heads, for a device."""

    def __init__(self, graph, talker, table, gathers=False):
        self.graph, self.table, self.gathers = graph, table, gathers
        self.model = talker.code_predictor
        self.config, self.codes = self.model.config, talker.config.vocab_size
        self.steps, self.codebook = self.config.num_code_groups - 1, self.config.vocab_size
        self.width = talker.config.hidden_size
        self.transformer = Transformer(graph, "predictor", self.config, self.model.model)

    def inward(self, value):
        """[rows, talker's hidden] → [rows, predictor's hidden], of the type that the graph computes in."""
        projection = self.model.small_to_mtp_projection
        if not hasattr(projection, "weight"):
            return value
        return self.graph.linear(value, "predictor.inward", matrix(projection.weight), matrix(projection.bias))

    def frame(self, hidden, code, noise, settings):
        """Codes 1 to 15 int64 [batch, 15] and the sum of the frame's embeddings float32 [batch, hidden]. `hidden` float32 [batch,
        hidden], `code` int64 [batch], `noise` float32 [batch, 15]."""
        graph, transformer, layers = self.graph, self.transformer, len(self.transformer.layers)
        own = graph.op("Gather", self.table, code)
        pair = graph.op("Concat", *(graph.op("Unsqueeze", part, ints(1)) for part in (hidden, own)), axis=1)
        rows = self.inward(graph.into(graph.reshape(pair, -1, self.width)))
        places = graph.reshape(rows, graph.shape(code, 0), 2, transformer.hidden)
        by_step = graph.transpose(noise, 1, 0)
        # One hidden slot: a past of no length would be a product over nothing.
        sizes = graph.dims(graph.shape(code, 0), transformer.kv_heads, 1, transformer.head)
        empty = graph.op("Expand", graph.number(0), sizes)

        with graph.body() as body:
            step = graph.input("predictor_step", np.int64, [])
            graph.input("predictor_goes_on", np.bool_, [])
            value = graph.input("predictor_places", graph.inside, ["batch", "new", transformer.hidden])
            total = graph.input("predictor_sum", np.float32, ["batch", self.width])
            dims = ["batch", transformer.kv_heads, "old", transformer.head]
            past = [graph.input(f"predictor_past_{index}", graph.inside, dims) for index in range(2 * layers)]
            last, grown = self.pass_layers(value, past)
            scores = self.scores(last, step)
            chosen = settings.draw(scores, graph.op("Gather", by_step, step))
            first = graph.op("Add", graph.op("Mul", step, whole(self.codebook)), whole(self.codes))
            embedding = graph.op("Gather", self.table, graph.op("Add", chosen, first))
            following = graph.op("Unsqueeze", self.inward(graph.into(embedding)), ints(1))
            graph.output("predictor_goes_on_out", graph.constant(np.array(True)), np.bool_, [])
            graph.output("predictor_places_out", following, graph.inside, ["batch", 1, transformer.hidden])
            graph.output("predictor_sum_out", graph.op("Add", total, embedding), np.float32, ["batch", self.width])
            for index, tensor in enumerate(grown):
                graph.output(f"predictor_past_out_{index}", tensor, graph.inside, dims[:2] + ["grown"] + dims[3:])
            graph.output("predictor_said", chosen, np.int64, ["batch"])

        state = [places, own, *[empty] * (2 * layers)]
        outputs = graph.op(
            "Loop", whole(self.steps), graph.constant(np.array(True)), *state, outputs=len(state) + 1, body=body.graph
        )
        return graph.transpose(outputs[-1], 1, 0), outputs[1]

    def pass_layers(self, value, past):
        """The last place [batch, hidden] behind the norm, and keys and values with the new ones behind them."""
        graph, transformer = self.graph, self.transformer
        length, before = graph.shape(value, 1), graph.shape(past[0], 2)
        start = graph.op("Sub", graph.op("Squeeze", before), whole(1))
        places = graph.op("Range", start, graph.op("Add", start, graph.op("Squeeze", length)), whole(1))
        batch = graph.op("Concat", graph.shape(value, 0), length, axis=0)
        frame = transformer.rotation(graph.op("Expand", graph.op("Unsqueeze", places, ints(0)), batch))
        slots = graph.op("Range", whole(0), graph.op("Squeeze", before), whole(1))
        unused = graph.cast(graph.op("Equal", slots, whole(0)), graph.inside)
        past_mask = graph.op("Unsqueeze", graph.op("Mul", unused, graph.number(MASKED)), ints(0, 1, 2))
        mask = transformer.causal_mask(length, graph.constant(ints(0)))
        grown = []
        for index in range(len(transformer.layers)):
            old = past[2 * index : 2 * index + 2]
            value, *new = transformer.layer(index, value, frame, mask, (*old, past_mask))
            grown += [graph.op("Concat", one, other, axis=2) for one, other in zip(old, new)]
        return transformer.normed(transformer.last_place(value)), grown

    def heads(self):
        """The name of all heads [steps, hidden, codebook] in the weight file, of which each alone is a part."""
        data, kind = self.graph.data, self.graph.inside
        name = f"predictor.heads.{kind.name}"
        element, dims, offset, length = data.place(name, lambda: np.stack([matrix(head.weight).T for head in self.model.lm_head]).astype(kind))
        part = length // self.steps
        for step in range(self.steps):
            data.places.setdefault(f"predictor.head.{step}.{kind.name}", (element, dims[1:], offset + step * part, part))
        return name

    def scores(self, last, step):
        """float32 [batch, codebook] by the head of a step."""
        graph = self.graph
        if graph.linear_format not in ("int8", "int4"):
            heads = self.heads()
            if self.gathers:
                # It is in the file already.
                weight = graph.op("Gather", graph.external(heads, lambda: None), step)
                return graph.out_of(graph.op("MatMul", last, weight))
        quantised = graph.quantise_rows(last) if graph.linear_format == "int8" else None

        def choose(first, end):
            if end - first == 1:
                weight = matrix(self.model.lm_head[first].weight)
                return graph.out_of(graph.product(last, quantised, f"predictor.head.{first}", weight))
            middle = (first + end) // 2
            branches = []
            for part in ((first, middle), (middle, end)):
                with graph.body() as branch:
                    chosen = choose(*part)
                    graph.output(f"scores_{part[0]}_{part[1]}", chosen, np.float32, ["batch", self.codebook])
                branches.append(branch.graph)
            earlier = graph.op("Less", step, whole(middle))
            return graph.op("If", earlier, then_branch=branches[0], else_branch=branches[1])

        return choose(0, self.steps)


def build_predictor(graph, talker, table):
    """Inputs: `hidden` float32 [batch, hidden]; `code` int64 [batch]; `noise` float32 [batch, 15]; `temperature` float32 [batch];
    `top_k` int64 [batch]. Outputs: `codes` int32 [batch, 15], `embedding` float32 [batch, hidden]."""
    predictor = Predictor(graph, talker, table)
    hidden = graph.input("hidden", np.float32, ["batch", predictor.width])
    code = graph.input("code", np.int64, ["batch"])
    noise = graph.input("noise", np.float32, ["batch", predictor.steps])
    temperature = graph.input("temperature", np.float32, ["batch"])
    top_k = graph.input("top_k", np.int64, ["batch"])
    settings = Settings(graph, temperature, top_k, predictor.codebook)
    codes, embedding = predictor.frame(hidden, code, noise, settings)
    graph.output("codes", graph.cast(codes, np.int32), np.int32, ["batch", predictor.steps])
    graph.output("embedding", embedding, np.float32, ["batch", predictor.width])
