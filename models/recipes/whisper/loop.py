"""Whisper's greedy decoding of a whole pass as one graph, for devices on which keys and values must stay.

Node's binding cannot keep a tensor on a CUDA device from one run to the next. So the steps are an ONNX Loop, whose
state (token, position, mask, what the rules remember, keys and values) stays on the device. openai-whisper's rules are
masks inside it: suppressed tokens, no blank first, timestamps in pairs that never go back, timestamps when together
they are likelier than any other token. It takes the encoder's states and makes the cross attention's keys and values
itself: they are twenty times as large, and would travel to the host and back.

Inputs: `states` float32 [batch, 1500, width]; `prompt` int64 [batch, places], padded on the left; `padding` int64 [batch], how much of
it is padding; `start` int64 [batch], place of the start token; `budgets` int64 [batch], most tokens that a row may say, at least 1;
`timestamps` int64 [batch], 1 where their rules hold; `begun` int64 [batch], 1 where the prompt's last tokens are what the row has said
itself in a run before, with `last` and `before`, 1 where the last of these and the one before it were timestamps (or there is none), and
`latest`, the last timestamp among them or the token before the first one, all int64 [batch]; `first_bias` and `bias` float32 [vocabulary], added to the scores of the first
token and of all others, finite. Outputs: `tokens` int32 [batch, steps], the end of the text with them, -1 behind a row's last;
`log_probabilities` float32 alike, among all that was allowed; `start_rest` float32 [batch, others], the scores at the start
token of all that are no words, and `start_total` float32 [batch], the log of the sum of all exponentials there.
"""

import numpy as np
from onnx import TensorProto

from graphs import feed_forward
from onnx_graph import Graph

# The newest whose ReduceMax ONNX Runtime has on CUDA: a newer one would send scores to the host in every step.
OPSET = 17
# Finite and within float16; scores are float32.
MASKED, FORBIDDEN = -30_000.0, -1e30
# A text begins within its first second.
MAX_INITIAL_TIMESTAMP = 50


def loop(model, path, compute, tokens):
    """Writes the graph and its weights; answers the Graph. `tokens`: openai-whisper's tokenizer."""
    graph = Graph("loop", compute, path, OPSET)
    decoder, dims = Decoder(graph, model), model.dims
    rules = Rules(graph, tokens, dims.n_vocab)
    states = graph.input("states", "float32", ["batch", dims.n_audio_ctx, dims.n_audio_state])
    prompt = graph.given("prompt", "int64", ["batch", "places"])
    names = ("padding", "start", "budgets", "timestamps", "begun", "last", "before", "latest")
    padding, start, budgets, timestamps, begun, last, before, latest = (graph.given(name, "int64", ["batch"]) for name in names)
    first_bias, bias = (graph.given(name, "float32", [dims.n_vocab]) for name in ("first_bias", "bias"))
    cross = decoder.cross(states)
    timed, begun, last, before = (column(graph, graph.op("Greater", flag, number(graph, 0))) for flag in (timestamps, begun, last, before))
    latest = column(graph, latest)

    length = graph.op("Shape", prompt, start=1, end=2)
    places = graph.op("Range", number(graph, 0), graph.op("Squeeze", length), number(graph, 1))
    pads = column(graph, padding)
    behind = graph.op("Sub", graph.op("Unsqueeze", places, graph.constant([0])), pads)
    positions = graph.op("Max", behind, number(graph, 0))
    x, cache = decoder.layers(decoder.embed(prompt, positions), decoder.causal_mask(places, pads), cross, None)
    at_start = decoder.scores(graph.op("GatherND", x, column(graph, start), batch_dims=1))
    first = graph.op("Add", decoder.scores(last_place(graph, x)), graph.op("Where", begun, bias, first_bias))
    forbidden = rules.either(begun, rules.forbidden(timed, last, before, latest), rules.forbidden_first(timed))
    token, score = rules.choose(first, forbidden, timed)
    finished = rules.is_last(token, budgets, number(graph, 1))
    pad = graph.op("Cast", graph.op("Less", behind, number(graph, 0)), to=decoder.kind)
    mask = graph.op("Mul", pad, graph.constant(MASKED, graph.float))
    was = rules.is_timestamp(column(graph, token))
    remembered = [was, graph.op("Or", last, graph.op("Not", begun)), rules.latest(column(graph, token), latest)]
    position = graph.op("Sub", graph.op("Unsqueeze", length, graph.constant([0])), pads)
    state = [token, finished, position, mask, *remembered, *cache]

    with graph.body() as body:
        step = graph.given("step", "int64", [])
        graph.given("go_on", "bool", [])
        token_in = graph.given("token_in", "int64", ["batch"])
        finished_in = graph.given("finished_in", "bool", ["batch"])
        position_in = graph.given("position_in", "int64", ["batch", 1])
        mask_in = graph.given("mask_in", graph.inside, ["batch", "past"])
        last_in, before_in = (graph.given(name, "bool", ["batch", 1]) for name in ("last_in", "before_in"))
        latest_in = graph.given("latest_in", "int64", ["batch", 1])
        shape = ["batch", decoder.heads, "past", decoder.size]
        cache_in = [graph.given(f"cache_in_{index}", graph.inside, shape) for index in range(len(cache))]

        # A row that has ended goes along, and must not run out of positions.
        within = graph.op("Min", position_in, number(graph, dims.n_text_ctx - 1))
        seen = graph.op("Mul", graph.op("Cast", position_in, to=decoder.kind), graph.constant(0, graph.float))
        grown_mask = graph.op("Concat", mask_in, seen, axis=1)
        shown = graph.op("Unsqueeze", grown_mask, graph.constant([1, 2]))
        x, grown = decoder.layers(decoder.embed(column(graph, token_in), within), shown, cross, cache_in)
        scores = graph.op("Add", decoder.scores(last_place(graph, x)), bias)
        next_token, next_score = rules.choose(scores, rules.forbidden(timed, last_in, before_in, latest_in), timed)
        said = graph.op("Add", step, number(graph, 2))
        finished_out = graph.op("Or", finished_in, rules.is_last(next_token, budgets, said))
        chosen = column(graph, next_token)
        made = {
            "go_on_out": (rules.any_left(finished_out), "bool", []),
            "token_out": (next_token, "int64", ["batch"]),
            "finished_out": (finished_out, "bool", ["batch"]),
            "position_out": (graph.op("Add", position_in, number(graph, 1)), "int64", ["batch", 1]),
            "mask_out": (grown_mask, graph.inside, ["batch", "grown"]),
            "last_out": (rules.is_timestamp(chosen), "bool", ["batch", 1]),
            "before_out": (last_in, "bool", ["batch", 1]),
            "latest_out": (rules.latest(chosen, latest_in), "int64", ["batch", 1]),
        }
        shape = ["batch", decoder.heads, "grown", decoder.size]
        made |= {f"cache_out_{index}": (tensor, graph.inside, shape) for index, tensor in enumerate(grown)}
        made["said"] = (graph.op("Where", finished_in, number(graph, -1), next_token), "int64", ["batch"])
        made["scores"] = (next_score, "float32", ["batch"])
        for name, (tensor, kind, shape) in made.items():
            graph.answered(tensor, name, kind, shape)

    most = graph.op("Sub", graph.op("ReduceMax", budgets, keepdims=0), number(graph, 1))
    said, scores = graph.op("Loop", most, rules.any_left(finished), *state, outputs=len(state) + 2, body=body.graph)[-2:]
    zero = graph.constant([0])
    for one, more, name, kind in ((token, said, "tokens", "int32"), (score, scores, "log_probabilities", "float32")):
        rows = graph.op("Transpose", graph.op("Concat", graph.op("Unsqueeze", one, zero), more, axis=0), perm=[1, 0])
        graph.answered(graph.op("Cast", rows, to=TensorProto.INT32) if kind == "int32" else rows, name, kind, ["batch", "steps"])
    rest = graph.op("Slice", at_start, graph.constant([tokens.eot]), graph.constant([dims.n_vocab]), graph.constant([1]))
    graph.answered(rest, "start_rest", "float32", ["batch", dims.n_vocab - tokens.eot])
    graph.answered(graph.op("Squeeze", rules.total(at_start), graph.constant([1])), "start_total", "float32", ["batch"])
    graph.save()
    return graph


def number(graph, value):
    return graph.constant(value)


def column(graph, value):
    """[batch] → [batch, 1]."""
    return graph.op("Unsqueeze", value, graph.constant([1]))


def last_place(graph, value):
    return graph.op("Gather", value, graph.constant(-1), axis=1)


class Decoder:
    """Emits the official decoder's parts."""

    def __init__(self, graph, model):
        self.graph, self.dims = graph, model.dims
        self.weights = {name: value.numpy() for name, value in model.state_dict().items() if name.startswith("decoder.")}
        self.heads, self.size = model.dims.n_text_head, model.dims.n_text_state // model.dims.n_text_head
        self.kind = TensorProto.FLOAT16 if graph.inside == "float16" else TensorProto.FLOAT

    def linear(self, x, name, bias=True):
        return self.graph.linear(x, name, self.weights, bias)

    def table(self):
        return self.graph.floats("decoder.token_embedding.weight", self.weights["decoder.token_embedding.weight"])

    def embed(self, tokens, positions):
        graph, places = self.graph, self.weights["decoder.positional_embedding"]
        places = graph.floats("decoder.positional_embedding", places)
        return graph.op("Add", graph.op("Gather", self.table(), tokens), graph.op("Gather", places, positions))

    def by_heads(self, value, perm=(0, 2, 1, 3)):
        return self.graph.op("Transpose", self.graph.op("Reshape", value, self.graph.constant([0, 0, self.heads, self.size])), perm=list(perm))

    def together(self, value):
        turned = self.graph.op("Transpose", value, perm=[0, 2, 1, 3])
        return self.graph.op("Reshape", turned, self.graph.constant([0, 0, self.heads * self.size]))

    def cross(self, states):
        """Keys [batch, heads, size, 1500] and values [batch, heads, 1500, size] of each layer."""
        made = []
        for layer in range(self.dims.n_text_layer):
            block = f"decoder.blocks.{layer}.cross_attn"
            keys = self.by_heads(self.linear(states, f"{block}.key", False), (0, 2, 3, 1))
            made.append((keys, self.by_heads(self.linear(states, f"{block}.value"))))
        return made

    def causal_mask(self, places, pads):
        """[batch, 1, places, places]: what a token of the prompt may not see. Padding sees itself, so that it is no NaN."""
        graph = self.graph
        keys, queries = graph.op("Unsqueeze", places, graph.constant([0])), graph.op("Unsqueeze", places, graph.constant([1]))
        padded = graph.op("Less", graph.op("Unsqueeze", keys, graph.constant([0])), graph.op("Unsqueeze", pads, graph.constant([1])))
        others = graph.op("And", padded, graph.op("Not", graph.op("Equal", keys, queries)))
        hidden = graph.op("Cast", graph.op("Or", graph.op("Greater", keys, queries), others), to=self.kind)
        return graph.op("Unsqueeze", graph.op("Mul", hidden, graph.constant(MASKED, graph.float)), graph.constant([1]))

    def layers(self, x, mask, cross, past):
        """`past`: keys and values of all layers, one after the other, or None; answers x and the grown ones."""
        graph, grown, scale = self.graph, [], self.size**-0.5
        for layer in range(self.dims.n_text_layer):
            block = f"decoder.blocks.{layer}"
            h = graph.norm(x, f"{block}.attn_ln", self.weights)
            query, key, value = (self.by_heads(self.linear(h, f"{block}.attn.{part}", part != "key")) for part in ("query", "key", "value"))
            if past is not None:
                key, value = (graph.op("Concat", old, new, axis=2) for old, new in zip(past[2 * layer :], (key, value)))
            grown += [key, value]
            scores = graph.op("FusedMatMul", query, key, domain="com.microsoft", transB=1, alpha=scale)
            attended = graph.op("MatMul", graph.op("Softmax", graph.op("Add", scores, mask), axis=-1), value)
            x = graph.op("Add", x, self.linear(self.together(attended), f"{block}.attn.out"))
            query = self.by_heads(self.linear(graph.norm(x, f"{block}.cross_attn_ln", self.weights), f"{block}.cross_attn.query"))
            keys, values = cross[layer]
            scores = graph.op("FusedMatMul", query, keys, domain="com.microsoft", alpha=scale)
            attended = graph.op("MatMul", graph.op("Softmax", scores, axis=-1), values)
            x = graph.op("Add", x, self.linear(self.together(attended), f"{block}.cross_attn.out"))
            x = graph.op("Add", x, feed_forward(graph, x, block, self.weights))
        return x, grown

    def scores(self, x):
        """[batch, width] → float32 [batch, vocabulary]."""
        graph = self.graph
        scores = graph.op("Gemm", graph.norm(x, "decoder.ln", self.weights), self.table(), transB=1)
        return scores if graph.inside == "float32" else graph.op("Cast", scores, to=TensorProto.FLOAT)


class Rules:
    """openai-whisper's logit filters; shared/asr/src/whisper/search/timestamp-rules.ts says the same of one row."""

    def __init__(self, graph, tokens, vocabulary):
        self.graph, self.end, self.first = graph, tokens.eot, tokens.timestamp_begin
        self.ids = graph.op("Unsqueeze", graph.op("Range", number(graph, 0), number(graph, vocabulary), number(graph, 1)), graph.constant([0]))
        self.timestamps = self.is_timestamp(self.ids)
        self.texts = graph.op("Not", self.timestamps)
        self.words = graph.op("Less", self.ids, number(graph, self.end))
        self.ends = graph.op("Equal", self.ids, number(graph, self.end))
        self.no_timestamps = graph.op("Equal", self.ids, number(graph, tokens.no_timestamps))
        self.nothing = graph.constant(FORBIDDEN, np.float32)

    def is_timestamp(self, ids):
        # By what both kinds of integers have on CUDA.
        return self.graph.op("Greater", ids, number(self.graph, self.first - 1))

    def latest(self, token, before):
        return self.graph.op("Where", self.is_timestamp(token), token, before)

    def forbidden_first(self, timed):
        """[batch, vocabulary]: with timestamps anything but an early one, without them the end."""
        graph = self.graph
        late = graph.op("Greater", self.ids, number(graph, self.first + MAX_INITIAL_TIMESTAMP))
        return self.either(timed, graph.op("Or", self.texts, late), self.ends)

    def forbidden(self, timed, last, before, latest):
        """`last`, `before`: whether the last token and the one before it were timestamps; `latest`: the last timestamp."""
        graph = self.graph
        opened = graph.op("And", last, graph.op("Not", before))
        # One that closes a text may be said again as the beginning of the next; any other must be later.
        least = graph.op("Add", latest, graph.op("Cast", graph.op("Not", opened), to=TensorProto.INT64))
        stamps = graph.op("Or", graph.op("And", last, before), graph.op("Less", self.ids, least))
        hidden = graph.op("Or", graph.op("And", self.words, opened), graph.op("And", self.timestamps, stamps))
        return graph.op("And", timed, graph.op("Or", hidden, self.no_timestamps))

    def either(self, condition, yes, no):
        graph = self.graph
        return graph.op("Or", graph.op("And", condition, yes), graph.op("And", graph.op("Not", condition), no))

    def choose(self, scores, forbidden, timed):
        """The likeliest token that is allowed, int64 [batch], and its log-probability."""
        graph = self.graph
        allowed = graph.op("Where", forbidden, self.nothing, scores)
        stamps = self.total(graph.op("Where", self.timestamps, allowed, self.nothing))
        best_text = graph.op("ReduceMax", graph.op("Where", self.timestamps, self.nothing, allowed), axes=[1], keepdims=1)
        stamped = graph.op("And", timed, graph.op("Greater", stamps, best_text))
        allowed = graph.op("Where", graph.op("And", stamped, self.texts), self.nothing, allowed)
        best = graph.op("Sub", graph.op("ReduceMax", allowed, axes=[1], keepdims=1), self.total(allowed))
        return graph.op("ArgMax", allowed, axis=1, keepdims=0), graph.op("Squeeze", best, graph.constant([1]))

    def total(self, scores):
        """[batch, 1]: log of the sum of the exponentials."""
        graph = self.graph
        best = graph.op("ReduceMax", scores, axes=[1], keepdims=1)
        powers = graph.op("Exp", graph.op("Sub", scores, best))
        return graph.op("Add", graph.op("Log", graph.op("ReduceSum", powers, graph.constant([1]), keepdims=1)), best)

    def is_last(self, token, budgets, said):
        """Whether a row has ended with this token, its `said`-th."""
        graph = self.graph
        return graph.op("Or", graph.op("Equal", token, number(graph, self.end)), graph.op("LessOrEqual", budgets, said))

    def any_left(self, finished):
        graph = self.graph
        left = graph.op("Cast", graph.op("Not", finished), to=TensorProto.INT32)
        return graph.op("Greater", graph.op("ReduceMax", left, keepdims=0), graph.constant(0, np.int32))
