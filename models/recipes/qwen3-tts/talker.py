"""The talker as ONNX graphs: `build_talker`, prompts and single places alike, for the CPU; `build_loop`, frames of a batch in one run,
for devices on which keys and values must not travel.

Rows of unequal length are padded on the left. Masks are finite, and every query sees at least itself.
"""

import numpy as np

from parts import MASKED, Transformer, ints, whole
from predictor import Predictor
from sampling import Settings

# Ids at the end of code 0's vocabulary that the official code never lets be drawn, but for the end token.
CONTROL = 1_024


def talker_of(graph, talker):
    return Transformer(graph, "talker", talker.config, talker.model, talker.codec_head)


def build_talker(graph, talker):
    """Inputs: `embeddings` float32 [batch, places, hidden]; `padding` int64 [batch], left padding among them; `positions` int64 [batch,
    places]; `past_mask` float32 [batch, past], 0 or -30000; `past_key.N`, `past_value.N` float32 [batch, kv heads, past, head].
    Outputs: `logits` float32 [batch, codes] and `hidden` float32 [batch, hidden] of the last place; `key.N`, `value.N`.
    """
    transformer = talker_of(graph, talker)
    value = graph.input("embeddings", np.float32, ["batch", "places", transformer.hidden])
    padding = graph.input("padding", np.int64, ["batch"])
    positions = graph.input("positions", np.int64, ["batch", "places"])
    mask = graph.op("Unsqueeze", graph.into(graph.input("past_mask", np.float32, ["batch", "past"])), ints(1, 2))
    frame = transformer.rotation(positions)
    new_mask = transformer.causal_mask(graph.shape(value, 1), padding)
    value, made = graph.into(value), []
    for index in range(len(transformer.layers)):
        dims = ["batch", transformer.kv_heads, "past", transformer.head]
        past = [graph.input(f"past_{part}.{index}", np.float32, dims) for part in ("key", "value")]
        value, *new = transformer.layer(index, value, frame, new_mask, (*map(graph.into, past), mask))
        made.append(new)
    last = transformer.normed(transformer.last_place(value))
    graph.output("logits", transformer.scores(last), np.float32, ["batch", talker.config.vocab_size])
    graph.output("hidden", graph.out_of(last), np.float32, ["batch", transformer.hidden])
    transformer.answer_new(made)


class FirstCode:
    """How code 0 of a frame is chosen."""

    def __init__(self, graph, talker, end):
        self.graph, self.codes, self.end = graph, talker.config.vocab_size, end
        allowed = np.zeros(self.codes, np.float32)
        allowed[self.codes - CONTROL :] = -np.inf
        allowed[end] = 0
        self.allowed, self.only_end = allowed[None], np.arange(self.codes)[None] == end
        self.before_end = graph.input("before_end", np.int64, ["batch"])
        temperature = graph.input("temperature", np.float32, ["batch"])
        top_k = graph.input("top_k", np.int64, ["batch"])
        self.penalty = graph.op("Unsqueeze", graph.input("penalty", np.float32, ["batch"]), ints(1))
        self.settings = Settings(graph, temperature, top_k, self.codes)

    def choose(self, scores, said, step, noise):
        """int64 [batch]. `said` float32 [batch, codes], 1 where the penalty counts; `step` an int64 scalar."""
        graph, zero = self.graph, np.array(0, np.float32)
        worse = graph.op("Mul", scores, self.penalty)
        better = graph.op("Div", scores, self.penalty)
        penalised = graph.op("Where", graph.op("Less", scores, zero), worse, better)
        scores = graph.op("Where", graph.op("Greater", said, zero), penalised, scores)
        scores = graph.op("Add", scores, self.allowed)
        early = graph.op("Unsqueeze", graph.op("Less", step, self.before_end), ints(1))
        scores = graph.op("Where", graph.op("And", early, self.only_end), np.array(-np.inf, np.float32), scores)
        return self.settings.draw(scores, noise)


def build_loop(graph, talker, table, end):
    """Inputs: `embeddings` float32 [batch, places, hidden]; `padding` int64 [batch]; `trailing` float32 [batch, steps, hidden]; `budgets`,
    `before_end` int64 [batch]; `said` float32 [batch, codes]; `noise` float32 [batch, steps, 16]; `temperature` float32, `top_k`
    int64, `penalty` float32, `predictor_temperature` float32, `predictor_top_k` int64 [batch].
    Outputs: `codes` int32 [batch, frames, 16], -1 behind a row's last; `ended` int32 [batch]; `embeddings_said` float32 [batch,
    frames, hidden].
    """
    transformer, predictor = talker_of(graph, talker), Predictor(graph, talker, table, gathers=True)
    value = graph.input("embeddings", np.float32, ["batch", "places", transformer.hidden])
    padding = graph.input("padding", np.int64, ["batch"])
    trailing = graph.input("trailing", np.float32, ["batch", "steps", transformer.hidden])
    budgets = graph.input("budgets", np.int64, ["batch"])
    said = graph.input("said", np.float32, ["batch", talker.config.vocab_size])
    noise = graph.input("noise", np.float32, ["batch", "steps", predictor.steps + 1])
    first_code = FirstCode(graph, talker, end)
    temperature = graph.input("predictor_temperature", np.float32, ["batch"])
    top_k = graph.input("predictor_top_k", np.int64, ["batch"])
    settings = Settings(graph, temperature, top_k, predictor.codebook)
    noise_by_step, text_by_step = graph.transpose(noise, 1, 0, 2), graph.transpose(trailing, 1, 0, 2)

    length = graph.shape(value, 1)
    places = graph.op("Unsqueeze", graph.op("Range", whole(0), graph.op("Squeeze", length), whole(1)), ints(0))
    pads = graph.op("Unsqueeze", padding, ints(1))
    frame = transformer.rotation(graph.op("Max", graph.op("Sub", places, pads), whole(0)))
    new_mask = transformer.causal_mask(length, padding)
    value, cache = graph.into(value), []
    for index in range(len(transformer.layers)):
        value, *new = transformer.layer(index, value, frame, new_mask, None)
        cache += new
    last = transformer.normed(transformer.last_place(value))
    hidden_slots = graph.cast(graph.op("Less", places, pads), graph.inside)
    mask = graph.op("Mul", hidden_slots, graph.number(MASKED))
    nobody = graph.op("Less", budgets, whole(-1))
    position = graph.op("Sub", graph.op("Unsqueeze", length, ints(0)), pads)
    state = [transformer.scores(last), graph.out_of(last), said, nobody, nobody, position, mask, *cache]

    with graph.body() as body:
        step = graph.input("step", np.int64, [])
        graph.input("go_on", np.bool_, [])
        scores = graph.input("scores_in", np.float32, ["batch", talker.config.vocab_size])
        hidden = graph.input("hidden_in", np.float32, ["batch", transformer.hidden])
        said_in = graph.input("said_in", np.float32, ["batch", talker.config.vocab_size])
        ended_in = graph.input("ended_in", np.bool_, ["batch"])
        finished_in = graph.input("finished_in", np.bool_, ["batch"])
        position_in = graph.input("position_in", np.int64, ["batch", 1])
        mask_in = graph.input("mask_in", graph.inside, ["batch", "past"])
        dims = ["batch", transformer.kv_heads, "past", transformer.head]
        cache_in = [graph.input(f"cache_in_{index}", graph.inside, dims) for index in range(len(cache))]

        own = graph.op("Gather", noise_by_step, step)
        of_first, of_others = graph.op("Split", own, ints(1, predictor.steps), outputs=2, axis=1)
        code = first_code.choose(scores, said_in, step, graph.op("Squeeze", of_first, ints(1)))
        ends = graph.op("Equal", code, whole(end))
        ended = graph.op("Or", ended_in, graph.op("And", ends, graph.op("Not", finished_in)))
        silent = graph.op("Or", finished_in, ends)
        used_up = graph.op("LessOrEqual", budgets, graph.op("Add", step, whole(1)))
        finished = graph.op("Or", silent, used_up)
        others, embedding = predictor.frame(hidden, code, of_others, settings)
        codes = graph.op("Concat", graph.op("Unsqueeze", code, ints(1)), others, axis=1)
        codes = graph.op("Where", graph.op("Unsqueeze", silent, ints(1)), whole(-1), codes)
        ones = graph.op("Cast", graph.op("GreaterOrEqual", position_in, whole(0)), to=1)
        said_out = graph.op("ScatterElements", said_in, graph.op("Unsqueeze", code, ints(1)), ones, axis=1)

        text = graph.op("Gather", text_by_step, step)
        value = graph.into(graph.op("Unsqueeze", graph.op("Add", embedding, text), ints(1)))
        frame = transformer.rotation(position_in)
        nothing_hidden = graph.constant(np.zeros((1, 1, 1, 1, 1), graph.inside))
        past_mask, grown = graph.op("Unsqueeze", mask_in, ints(1, 2)), []
        for index in range(len(transformer.layers)):
            past = cache_in[2 * index : 2 * index + 2]
            value, *new = transformer.layer(index, value, frame, nothing_hidden, (*past, past_mask))
            grown += [graph.op("Concat", old, added, axis=2) for old, added in zip(past, new)]
        last = transformer.normed(transformer.last_place(value))
        left = graph.cast(graph.op("Not", finished), np.int32)
        seen = graph.op("Mul", graph.cast(position_in, graph.inside), graph.number(0))
        steps = {
            "go_on_out": (graph.op("Greater", graph.op("ReduceMax", left, keepdims=0), np.array(0, np.int32)), np.bool_, []),
            "scores_out": (transformer.scores(last), np.float32, ["batch", talker.config.vocab_size]),
            "hidden_out": (graph.out_of(last), np.float32, ["batch", transformer.hidden]),
            "said_out": (said_out, np.float32, ["batch", talker.config.vocab_size]),
            "ended_out": (ended, np.bool_, ["batch"]),
            "finished_out": (finished, np.bool_, ["batch"]),
            "position_out": (graph.op("Add", position_in, whole(1)), np.int64, ["batch", 1]),
            "mask_out": (graph.op("Concat", mask_in, seen, axis=1), graph.inside, ["batch", "grown"]),
        }
        dims = ["batch", transformer.kv_heads, "grown", transformer.head]
        steps |= {f"cache_out_{index}": (tensor, graph.inside, dims) for index, tensor in enumerate(grown)}
        steps |= {
            "codes_said": (codes, np.int64, ["batch", predictor.steps + 1]),
            "frame_said": (embedding, np.float32, ["batch", transformer.hidden]),
        }
        for name, (tensor, kind, dims) in steps.items():
            graph.output(name, tensor, kind, dims)

    most = graph.op("ReduceMax", budgets, keepdims=0)
    outputs = graph.op("Loop", most, graph.constant(np.array(True)), *state, outputs=len(state) + 2, body=body.graph)
    codes = graph.cast(graph.transpose(outputs[-2], 1, 0, 2), np.int32)
    graph.output("codes", codes, np.int32, ["batch", "frames", predictor.steps + 1])
    graph.output("ended", graph.cast(outputs[3], np.int32), np.int32, ["batch"])
    graph.output("embeddings_said", graph.transpose(outputs[-1], 1, 0, 2), np.float32, ["batch", "frames", transformer.hidden])
