"""The decoder (Qwen3: grouped queries, normalised queries and keys, rotary positions) as ONNX graphs.

`build_decoder`, for the CPU: prompts and single tokens alike. The keys and values of the past come in and are read where
they lie; only those of the new tokens go out. `build_loop`, for CUDA: the whole greedy decoding of a batch in one run.
`build_aligner`: one pass over whole prompts, the best class at every place.

Rows of unequal length are padded on the left. Masks are finite, and every query sees at least itself.
"""

import math

import numpy as np

from encoder import numpy
from graph import CONTRIB, eight_bits, ints

MASKED = -30_000.0


class Frame:
    """What all layers of a run share. Sizes are tensors of one number."""

    def __init__(self, batch, places):
        self.batch, self.places = batch, places
        self.mask = self.sizes = self.middles = None


class Decoder:
    """Emits the parts of one official decoder into one graph. `name`: how its weights are called in their file."""

    def __init__(self, graph, thinker, name="decoder"):
        self.graph, self.thinker, self.name = graph, thinker, name
        config = thinker.config.text_config
        self.hidden, self.head = config.hidden_size, config.head_dim
        self.kv_heads = config.num_key_value_heads
        self.group = config.num_attention_heads // config.num_key_value_heads
        self.layers = thinker.model.layers
        self.tied = thinker.lm_head.weight is thinker.model.embed_tokens.weight
        self.epsilon = config.rms_norm_eps

    def embed(self, ids, audio_rows, audio_places):
        """Token embeddings; where `audio_places` is not 0, that row of `audio_rows` instead."""
        graph = self.graph
        spoken = graph.op("Gather", graph.into(audio_rows), audio_places)
        is_audio = graph.op("Unsqueeze", graph.op("Greater", audio_places, np.array(0, np.int64)), ints(2))
        return graph.op("Where", is_audio, spoken, self.embed_tokens(ids))

    def embed_tokens(self, ids):
        graph, matrix = self.graph, numpy(self.thinker.model.embed_tokens.weight)
        if graph.linear_format not in ("int8", "int4"):
            return graph.op("Gather", graph.parameter("embedding", matrix), ids)
        packed, scales = graph.packed("embedding.int8", lambda: eight_bits(matrix))
        codes = graph.external("embedding.int8", lambda: packed)
        factors = graph.external("embedding.int8.scales", lambda: scales[:, None])
        rows = graph.cast(graph.op("Gather", codes, ids), np.float32)
        return graph.into(graph.op("Mul", rows, graph.op("Gather", factors, ids)))

    def rotation(self, positions):
        """What all layers of a run share, by its int64 positions [batch, places]: sizes, and the rotation of queries and keys."""
        graph = self.graph
        frame = Frame(graph.shape(positions, 0), graph.shape(positions, 1))
        frame.by_query = graph.dims(frame.batch, frame.places, self.kv_heads * self.group, self.head)
        frame.by_key = graph.dims(frame.batch, frame.places, self.kv_heads, self.head)
        frame.by_head = graph.dims(frame.batch, self.kv_heads * self.group, frame.places, self.head)
        frame.by_group = graph.dims(0, 0, -1, frame.places)
        count = graph.op("Mul", frame.batch, frame.places)
        if graph.linear_format == "int8":
            frame.middles = graph.op("Expand", np.array([128], np.uint8), count)
        # Cosines and sines [batch, 1, places, head / 2], computed in float32.
        frequencies = numpy(self.thinker.model.rotary_emb.inv_freq)
        angles = graph.op("Mul", graph.op("Unsqueeze", graph.cast(positions, np.float32), ints(1, 3)), frequencies)
        frame.cosine, frame.sine = graph.into(graph.op("Cos", angles)), graph.into(graph.op("Sin", angles))
        if graph.for_cpu:
            # The operator looks a place's angles up in a table: each has a line of its own.
            frame.cosine, frame.sine = (graph.reshape(part, -1, self.head // 2) for part in (frame.cosine, frame.sine))
            lines = graph.op("Range", np.array(0, np.int64), graph.op("Squeeze", count), np.array(1, np.int64))
            frame.lines = graph.op("Reshape", lines, graph.dims(frame.batch, frame.places))
        self.frame = frame
        return frame

    def rotate(self, value, frame):
        """Queries or keys [batch, heads, places, head]."""
        graph = self.graph
        if graph.for_cpu:
            return graph.op("RotaryEmbedding", value, frame.lines, frame.cosine, frame.sine, domain=CONTRIB)
        cosine, sine = frame.cosine, frame.sine
        first, second = graph.op("Split", value, ints(self.head // 2, self.head // 2), outputs=2, axis=-1)
        left = graph.op("Sub", graph.op("Mul", first, cosine), graph.op("Mul", second, sine))
        right = graph.op("Add", graph.op("Mul", second, cosine), graph.op("Mul", first, sine))
        return graph.op("Concat", left, right, axis=-1)

    def causal_mask(self, length, padding):
        """[batch, 1, 1, places, places]: what a new token may not see of the new tokens of its own row."""
        graph = self.graph
        places = graph.op("Range", np.array(0, np.int64), graph.op("Squeeze", length), np.array(1, np.int64))
        keys, queries = graph.op("Unsqueeze", places, ints(0)), graph.op("Unsqueeze", places, ints(1))
        later = graph.op("Greater", keys, queries)
        pads = graph.op("Less", graph.op("Unsqueeze", keys, ints(0)), graph.op("Unsqueeze", padding, ints(1, 2)))
        other = graph.op("Not", graph.op("Equal", keys, queries))
        hidden = graph.op("Or", later, graph.op("And", pads, other))
        mask = graph.op("Mul", graph.cast(hidden, graph.inside), graph.number(MASKED))
        return graph.op("Unsqueeze", mask, ints(1, 2))

    def layer(self, index, value, frame, new_mask, past):
        """One layer. `past` is (keys, values, mask [batch, 1, 1, past]) or None; answers (value, new keys, new values). Values
        between layers are [batch * places, hidden]."""
        graph, layer, name = self.graph, self.layers[index], f"{self.name}.{index}"
        if index == 0:
            value = graph.reshape(value, -1, self.hidden)
            # [batch, 1, group * places, places], as the queries of a group are rows of one product.
            grouped = graph.op("Expand", new_mask, ints(1, 1, self.group, 1, 1))
            frame.mask = graph.op("Reshape", grouped, frame.by_group)
        attention = layer.self_attn
        norm = graph.rms_norm(value, f"{name}.norm1", numpy(layer.input_layernorm.weight), self.epsilon)
        parts = {"q": attention.q_proj, "k": attention.k_proj, "v": attention.v_proj}
        layers = {f"{name}.{part}": (numpy(linear.weight), None) for part, linear in parts.items()}
        q, k, v = graph.products(norm, layers, frame.middles).values()
        q, k, v = (graph.op("Reshape", part, dims) for part, dims in zip((q, k, v), (frame.by_query, frame.by_key, frame.by_key)))
        q = graph.rms_norm(q, f"{name}.q_norm", numpy(attention.q_norm.weight), self.epsilon)
        k = graph.rms_norm(k, f"{name}.k_norm", numpy(attention.k_norm.weight), self.epsilon)
        q, k, v = (graph.transpose(part, 0, 2, 1, 3) for part in (q, k, v))
        q, k = self.rotate(q, frame), self.rotate(k, frame)
        q = graph.reshape(q, 0, self.kv_heads, -1, self.head)

        scale, by_keys = 1 / math.sqrt(self.head), {"domain": CONTRIB, "transB": 1}
        if graph.for_cpu:
            by_keys["alpha"] = scale
        else:
            # Before the product: float16 might have no room for it behind.
            q = graph.op("Mul", q, graph.number(scale))
        scores = graph.op("Add", graph.op("FusedMatMul", q, k, **by_keys), frame.mask)
        if past is None:
            mixed = graph.op("MatMul", graph.op("Softmax", scores, axis=-1), v)
        else:
            past_keys, past_values, past_mask = past
            if index == 0:
                frame.sizes = graph.op("Concat", graph.shape(past_keys, 2), frame.places, axis=0)
            before = graph.op("Add", graph.op("FusedMatMul", q, past_keys, **by_keys), past_mask)
            weights = graph.op("Softmax", graph.op("Concat", before, scores, axis=-1), axis=-1)
            old, new = graph.op("Split", weights, frame.sizes, outputs=2, axis=-1)
            mixed = graph.op("Add", graph.op("MatMul", old, past_values), graph.op("MatMul", new, v))
        mixed = graph.transpose(graph.op("Reshape", mixed, frame.by_head), 0, 2, 1, 3)
        mixed = graph.reshape(mixed, -1, self.kv_heads * self.group * self.head)
        value = graph.op("Add", value, graph.linear(mixed, f"{name}.o", numpy(attention.o_proj.weight), None, frame.middles))

        norm = graph.rms_norm(value, f"{name}.norm2", numpy(layer.post_attention_layernorm.weight), self.epsilon)
        halves = {"gate": layer.mlp.gate_proj, "up": layer.mlp.up_proj}
        layers = {f"{name}.{part}": (numpy(linear.weight), None) for part, linear in halves.items()}
        gate, up = graph.products(norm, layers, frame.middles).values()
        inner = graph.op("Mul", graph.op("Mul", gate, graph.op("Sigmoid", gate)), up)
        down = graph.linear(inner, f"{name}.down", numpy(layer.mlp.down_proj.weight), None, frame.middles)
        return graph.op("Add", value, down), k, v

    def answer_new(self, made):
        """The new keys and values of all layers as outputs."""
        for index, new in enumerate(made):
            for part, tensor in zip(("key", "value"), new):
                dims = ["batch", self.kv_heads, "places", self.head]
                self.graph.output(f"{part}.{index}", self.graph.out_of(tensor), np.float32, dims)

    def last_place(self, value):
        """[batch, hidden]"""
        graph = self.graph
        by_place = graph.op("Reshape", value, graph.dims(self.frame.batch, self.frame.places, self.hidden))
        return graph.op("Gather", by_place, np.array(-1, np.int64), axis=1)

    def logits(self, value):
        """float32 [..., vocabulary]."""
        graph = self.graph
        value = graph.rms_norm(value, f"{self.name}.norm", numpy(self.thinker.model.norm.weight), self.epsilon)
        matrix = numpy(self.thinker.lm_head.weight)
        if self.tied and graph.linear_format not in ("int8", "int4"):
            embedding = graph.parameter("embedding", matrix)
            return graph.out_of(graph.op("FusedMatMul", value, embedding, domain=CONTRIB, transB=1))
        return graph.out_of(graph.linear(value, "head", matrix))

    def choose(self, logits):
        """The best token of float32 [batch, vocabulary] as int64 [batch], and its log-probability."""
        graph = self.graph
        best = graph.op("ReduceMax", logits, axes=[-1], keepdims=1)
        score = graph.op("Sub", graph.op("Squeeze", best, ints(-1)), self.log_sum(logits, best, keep=0))
        return graph.op("ArgMax", logits, axis=-1, keepdims=0), score

    def log_sum(self, logits, best, keep):
        """Logarithm of the sum of exponentials."""
        graph = self.graph
        rest = graph.op("ReduceSum", graph.op("Exp", graph.op("Sub", logits, best)), ints(-1), keepdims=1)
        total = graph.op("Add", graph.op("Log", rest), best)
        return total if keep else graph.op("Squeeze", total, ints(-1))

    def weigh(self, logits, candidates):
        """Log-probabilities of the candidates [batch, any] of a row."""
        graph = self.graph
        best = graph.op("ReduceMax", logits, axes=[-1], keepdims=1)
        chosen = graph.op("GatherElements", logits, candidates, axis=1)
        return graph.op("Sub", chosen, self.log_sum(logits, best, keep=1))


def prompt_inputs(graph, hidden):
    """The inputs that every graph has: what the rows say."""
    ids = graph.input("input_ids", np.int64, ["batch", "places"])
    rows = graph.input("audio_rows", np.float32, ["rows", hidden])
    places = graph.input("audio_places", np.int64, ["batch", "places"])
    return ids, rows, places, graph.input("padding", np.int64, ["batch"])


def build_decoder(graph, thinker):
    """Inputs: `input_ids`, `audio_places` int64 [batch, places]; `audio_rows` float32 [rows, hidden], row 0 unused;
    `padding` int64 [batch], left padding among the new tokens; `positions` int64 [batch, places]; `past_mask` float32
    [batch, past], 0 or -30000; `past_key.N`, `past_value.N` float32 [batch, kv heads, past, head], past at least 1;
    `candidates` int64 [batch, any], tokens to weigh.
    Outputs: `token` int32 [batch], `log_probability` float32 [batch] and `candidate_log_probabilities` float32 [batch,
    any] of the last place; `key.N`, `value.N` float32 [batch, kv heads, places, head].
    """
    decoder = Decoder(graph, thinker)
    ids, rows, places, padding = prompt_inputs(graph, decoder.hidden)
    positions = graph.input("positions", np.int64, ["batch", "places"])
    candidates = graph.input("candidates", np.int64, ["batch", "candidates"])
    mask = graph.input("past_mask", np.float32, ["batch", "past"])
    mask = graph.op("Unsqueeze", graph.into(mask), ints(1, 2))
    value = decoder.embed(ids, rows, places)
    rotation = decoder.rotation(positions)
    new_mask = decoder.causal_mask(graph.shape(ids, 1), padding)
    made = []
    for index in range(len(decoder.layers)):
        dims = ["batch", decoder.kv_heads, "past", decoder.head]
        past = [graph.input(f"past_{part}.{index}", np.float32, dims) for part in ("key", "value")]
        value, *new = decoder.layer(index, value, rotation, new_mask, (*map(graph.into, past), mask))
        made.append(new)
    logits = decoder.logits(decoder.last_place(value))
    token, score = decoder.choose(logits)
    weighed = decoder.weigh(logits, candidates)
    graph.output("candidate_log_probabilities", weighed, np.float32, ["batch", "candidates"])
    graph.output("token", graph.cast(token, np.int32), np.int32, ["batch"])
    graph.output("log_probability", score, np.float32, ["batch"])
    decoder.answer_new(made)


def build_aligner(graph, thinker):
    """Inputs as the decoder's without a past; output `classes` int32 [batch, places]."""
    decoder = Decoder(graph, thinker)
    ids, rows, places, padding = prompt_inputs(graph, decoder.hidden)
    positions = graph.input("positions", np.int64, ["batch", "places"])
    value = decoder.embed(ids, rows, places)
    rotation = decoder.rotation(positions)
    mask = decoder.causal_mask(graph.shape(ids, 1), padding)
    for index in range(len(decoder.layers)):
        value, _, _ = decoder.layer(index, value, rotation, mask, None)
    best = graph.op("ArgMax", decoder.logits(value), axis=-1, keepdims=0)
    best = graph.op("Reshape", best, graph.dims(rotation.batch, rotation.places))
    graph.output("classes", graph.cast(best, np.int32), np.int32, ["batch", "places"])
