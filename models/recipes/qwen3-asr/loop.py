"""The whole greedy decoding of a batch as one ONNX graph, for devices on which keys and values must not travel.

ONNX Runtime cannot keep tensors on a CUDA device between two runs of the Node binding, so the steps are an ONNX Loop:
its state (token, position, mask, keys and values) stays on the device. It ends when every row has said an end token or
has used up its budget. Its weights are those of the outer graph.
"""

import numpy as np

from decoder import MASKED, Decoder, prompt_inputs
from graph import ints


def build_loop(graph, thinker):
    """Inputs: `input_ids`, `audio_places` int64 [batch, places]; `audio_rows` float32 [rows, hidden], row 0 unused;
    `padding` int64 [batch], left padding; `budgets` int64 [batch], tokens that a row may say, at least 1; `end_tokens`
    int64 [any]. Outputs: `tokens` int32 [batch, steps], -1 behind a row's last; `log_probabilities` float32 alike.
    """
    decoder = Decoder(graph, thinker)
    ids, rows, audio_places, padding = prompt_inputs(graph, decoder.hidden)
    budgets = graph.input("budgets", np.int64, ["batch"])
    ends = graph.input("end_tokens", np.int64, ["ends"])

    length = graph.shape(ids, 1)
    places = graph.op("Range", np.array(0, np.int64), graph.op("Squeeze", length), np.array(1, np.int64))
    pads = graph.op("Unsqueeze", padding, ints(1))
    positions = graph.op("Max", graph.op("Sub", graph.op("Unsqueeze", places, ints(0)), pads), np.array(0, np.int64))
    value, rotation = decoder.embed(ids, rows, audio_places), decoder.rotation(positions)
    new_mask = decoder.causal_mask(length, padding)
    cache = []
    for index in range(len(decoder.layers)):
        value, *new = decoder.layer(index, value, rotation, new_mask, None)
        cache += new
    token, score = decoder.choose(decoder.logits(decoder.last_place(value)))
    hidden = graph.cast(graph.op("Less", graph.op("Unsqueeze", places, ints(0)), pads), graph.inside)
    mask = graph.op("Mul", hidden, graph.number(MASKED))
    finished = is_last(graph, token, ends, budgets, np.array(1, np.int64))
    state = [token, finished, graph.op("Sub", graph.op("Unsqueeze", length, ints(0)), pads), mask, *cache]

    with graph.body() as body:
        step = graph.input("step", np.int64, [])
        graph.input("go_on", np.bool_, [])
        token_in = graph.input("token_in", np.int64, ["batch"])
        finished_in = graph.input("finished_in", np.bool_, ["batch"])
        position = graph.input("position_in", np.int64, ["batch", 1])
        mask_in = graph.input("mask_in", graph.inside, ["batch", "past"])
        dims = ["batch", decoder.kv_heads, "past", decoder.head]
        cache_in = [graph.input(f"cache_in_{index}", graph.inside, dims) for index in range(len(cache))]

        value = decoder.embed_tokens(graph.op("Unsqueeze", token_in, ints(1)))
        rotation = decoder.rotation(position)
        nothing_hidden = graph.constant(np.zeros((1, 1, 1, 1, 1), graph.inside))
        past_mask = graph.op("Unsqueeze", mask_in, ints(1, 2))
        grown = []
        for index in range(len(decoder.layers)):
            past = cache_in[2 * index : 2 * index + 2]
            value, *new = decoder.layer(index, value, rotation, nothing_hidden, (*past, past_mask))
            grown += [graph.op("Concat", old, added, axis=2) for old, added in zip(past, new)]
        next_token, next_score = decoder.choose(decoder.logits(decoder.last_place(value)))
        said = graph.op("Add", step, np.array(2, np.int64))
        finished_out = graph.op("Or", finished_in, is_last(graph, next_token, ends, budgets, said))
        seen = graph.op("Mul", graph.cast(position, graph.inside), graph.number(0))
        steps = {
            "go_on_out": (any_left(graph, finished_out), np.bool_, []),
            "token_out": (next_token, np.int64, ["batch"]),
            "finished_out": (finished_out, np.bool_, ["batch"]),
            "position_out": (graph.op("Add", position, np.array(1, np.int64)), np.int64, ["batch", 1]),
            "mask_out": (graph.op("Concat", mask_in, seen, axis=1), graph.inside, ["batch", "grown"]),
        }
        dims = ["batch", decoder.kv_heads, "grown", decoder.head]
        steps |= {f"cache_out_{index}": (tensor, graph.inside, dims) for index, tensor in enumerate(grown)}
        quiet = graph.op("Where", finished_in, np.array(-1, np.int64), next_token)
        steps |= {"said": (quiet, np.int64, ["batch"]), "scores": (next_score, np.float32, ["batch"])}
        for name, (tensor, kind, dims) in steps.items():
            graph.output(name, tensor, kind, dims)

    most = graph.op("Sub", graph.op("ReduceMax", budgets, keepdims=0), np.array(1, np.int64))
    outputs = graph.op(
        "Loop", most, any_left(graph, finished), *state, outputs=len(state) + 2, body=body.graph
    )  # fmt: skip
    said, scores = outputs[-2:]
    tokens = graph.op("Concat", graph.op("Unsqueeze", token, ints(0)), said, axis=0)
    scores = graph.op("Concat", graph.op("Unsqueeze", score, ints(0)), scores, axis=0)
    graph.output("tokens", graph.cast(graph.transpose(tokens, 1, 0), np.int32), np.int32, ["batch", "steps"])
    graph.output("log_probabilities", graph.transpose(scores, 1, 0), np.float32, ["batch", "steps"])


def is_last(graph, token, ends, budgets, said):
    """Whether a row has ended with this token, its `said`-th."""
    same = graph.op("Equal", graph.op("Unsqueeze", token, ints(1)), graph.op("Unsqueeze", ends, ints(0)))
    ended = graph.op("Greater", graph.op("ReduceMax", graph.cast(same, np.int32), axes=[1], keepdims=0), np.array(0, np.int32))
    return graph.op("Or", ended, graph.op("LessOrEqual", budgets, said))


def any_left(graph, finished):
    left = graph.cast(graph.op("Not", finished), np.int32)
    return graph.op("Greater", graph.op("ReduceMax", left, keepdims=0), np.array(0, np.int32))
