"""Weights of small random models as rules instead of numbers: a hash of the place, and a few places set by hand.

Fixtures hold the rules; shared/asr/src/whisper/testing/random-weights.ts makes the same float32 numbers from them, bit
for bit. So a test model costs no bytes in the repository, whatever its size.

A model of nothing but noise says one token for ever. These say something like a transcript. Three channels of the
decoder are kept free of noise, and carry the position to the tokens' embeddings. So timestamps come in pairs every few
tokens and the end of the text comes sooner or later.
"""

import math

import numpy as np

# Channels of the decoder that no layer writes to.
END, TIMESTAMP, ONE = range(3)
# A pair of timestamps is likely at two positions in so many.
PERIOD = 9


def hashed(seed, count):
    """float64 [count] in [0, 1): murmur3's finaliser of the place."""
    with np.errstate(over="ignore"):
        x = np.arange(count, dtype=np.uint32) + np.uint32((seed * 0x9E3779B1) & 0xFFFFFFFF)
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x85EBCA6B)
        x ^= x >> np.uint32(13)
        x *= np.uint32(0xC2B2AE35)
        x ^= x >> np.uint32(16)
    return x / 2.0**32


def tensor(rule):
    """float32 array of a rule `{shape, seed, scale, offset, set}`.

    Every `{rows: [from, to, step], columns: [from, to], a, b, c}` in `set` puts a + b r + c r² at the row r = row - from.
    """
    values = (rule["offset"] + rule["scale"] * (2.0 * hashed(rule["seed"], math.prod(rule["shape"])) - 1.0)).astype(np.float32)
    values = values.reshape(rule["shape"])
    for place in rule["set"]:
        first, last, step = place["rows"]
        for row in range(first, last, step):
            r = row - first
            values[row, slice(*place["columns"])] = np.float32(place["a"] + place["b"] * r + place["c"] * r * r)
    return values


def place(rows, columns, a, b=0.0, c=0.0):
    return {"rows": list(rows), "columns": list(columns), "a": a, "b": b, "c": c}


def rules(dims, shapes, seed):
    """A rule for every tensor of openai-whisper's state dict (`shapes`: name to shape)."""
    made = {}
    for index, (name, shape) in enumerate(shapes.items()):
        rule = {"shape": list(shape), "seed": seed * 1000 + index, "scale": 0.05, "offset": 0.0, "set": []}
        decoder = name.startswith("decoder.")
        if name.endswith("_ln.weight") or name.endswith(("ln.weight", "ln_post.weight")):
            rule.update(scale=0.1, offset=1.0)
        elif name == "encoder.conv1.weight" or name == "encoder.conv2.weight":
            rule["scale"] = 1.7 / math.sqrt(shape[1] * shape[2])
        elif name == "encoder.positional_embedding":
            rule["scale"] = 1.0
        elif name.endswith("weight") and len(shape) == 2 and "embedding" not in name:
            # Sharp attention looks somewhere; loud layers drown the token's own embedding, which would say itself again.
            loud = 2.0 if "attn.query" in name or "attn.key" in name else 3.0 if decoder and ("cross_attn" in name or "mlp.2" in name) else 1.0
            rule["scale"] = loud * 1.7 / math.sqrt(shape[1])
        if decoder and name.endswith((".out.weight", "mlp.2.weight")):
            rule["set"].append(place((0, 3, 1), (0, shape[1]), 0.0))
        if decoder and name.endswith((".out.bias", "mlp.2.bias")):
            rule["scale"] = 0.0
        made[name] = rule

    words = dims["n_vocab"] - 1501 - 8 - (dims["n_vocab"] - 51765 - 1 if dims["n_vocab"] >= 51865 else 99)
    context, vocabulary = dims["n_text_ctx"], dims["n_vocab"]
    timestamps = vocabulary - 1501
    final = made["decoder.ln.weight"]
    final.update(scale=0.0, offset=dims["sharpness"])
    made["decoder.ln.bias"].update(scale=0.0)
    made["decoder.token_embedding.weight"].update(
        scale=0.5,
        set=[
            place((0, vocabulary, 1), (0, 3), 0.0),
            # The end, which the position makes likelier.
            place((words, words + 1, 1), (END, END + 1), 1.5),
            # Other control tokens are unlikely wherever all tokens are allowed.
            place((words + 1, timestamps, 1), (ONE, ONE + 1), -2.0),
            # Late timestamps are less likely than early ones, so that they rise slowly.
            place((timestamps, vocabulary, 1), (TIMESTAMP, TIMESTAMP + 1), 1.5),
            place((timestamps, vocabulary, 1), (ONE, ONE + 1), 0.0, -1 / 200),
        ],
    )
    made["decoder.positional_embedding"].update(
        scale=1.7,
        set=[
            place((0, context, 1), (END, END + 1), dims["reluctance"], dims["haste"]),
            # Timestamps stand high at two positions in PERIOD.
            place((0, context, 1), (TIMESTAMP, TIMESTAMP + 1), -3.0),
            place((3, context, PERIOD), (TIMESTAMP, TIMESTAMP + 1), dims["pauses"]),
            place((4, context, PERIOD), (TIMESTAMP, TIMESTAMP + 1), dims["pauses"]),
            place((0, context, 1), (ONE, ONE + 1), 2.0),
        ],
    )
    return made
