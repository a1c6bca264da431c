"""A step decoder whose memory stays on the device, for callers that can keep a tensor there from one run to the next: ONNX
Runtime's C API can, Node's binding cannot. npm run bench:loop compares it with the loop graph.
"""

import numpy as np

from decoder import Decoder, prompt_inputs
from graph import ints


def build_resident(graph, thinker):
    """Inputs as `build_decoder`'s, without candidates; `past_key.N` and `past_value.N` are of the type that the graph computes in.
    Outputs: `token` int32 and `log_probability` float32 [batch] of the last place; `key.N` and `value.N`, those of the past and
    the new ones behind them: the next run's past, as they are.
    """
    decoder = Decoder(graph, thinker)
    ids, rows, audio_places, padding = prompt_inputs(graph, decoder.hidden)
    positions = graph.input("positions", np.int64, ["batch", "places"])
    mask = graph.input("past_mask", np.float32, ["batch", "past"])
    mask = graph.op("Unsqueeze", graph.into(mask), ints(1, 2))
    value, rotation = decoder.embed(ids, rows, audio_places), decoder.rotation(positions)
    new_mask = decoder.causal_mask(graph.shape(ids, 1), padding)
    grown = []
    for index in range(len(decoder.layers)):
        dims = ["batch", decoder.kv_heads, "past", decoder.head]
        past = [graph.input(f"past_{part}.{index}", graph.inside, dims) for part in ("key", "value")]
        value, *new = decoder.layer(index, value, rotation, new_mask, (*past, mask))
        grown.append([graph.op("Concat", old, added, axis=2) for old, added in zip(past, new)])
    token, score = decoder.choose(decoder.logits(decoder.last_place(value)))
    graph.output("token", graph.cast(token, np.int32), np.int32, ["batch"])
    graph.output("log_probability", score, np.float32, ["batch"])
    for index, tensors in enumerate(grown):
        for part, tensor in zip(("key", "value"), tensors):
            graph.output(f"{part}.{index}", tensor, graph.inside, ["batch", decoder.kv_heads, "grown", decoder.head])
