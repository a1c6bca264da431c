"""Holds an exported folder against its checkpoint: what every format's graphs answer, as a part of the largest value.

    python check.py CHECKPOINT FOLDER

float32 must agree; of the others the differences are printed and held under what their bits allow. The loop graphs must
say what the official code says (float32), or begin to (float16).
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime

from clips import make_clip
from encoder import CHUNK
from golden import Reference
from published import WINDOW

# Largest allowed difference of embeddings and of the last layer's keys, for the small checkpoint: its sharp attention and
# short rows make more of rounding than a trained model does. float32 holds at every size.
ALLOWED = {"float32": 1e-4, "float16": 0.02, "int8": 0.08, "int4": 0.8}
BUDGET = 12


def open_graph(folder, files, role):
    return onnxruntime.InferenceSession(str(folder / files[role]["path"]), providers=["CPUExecutionProvider"])


def difference(ours, theirs):
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def token_count(frames):
    rest = frames % CHUNK
    for _ in range(3):
        rest = (rest + 1) // 2
    return frames // CHUNK * 13 + rest


def encode(session, features):
    """The windows of one clip of at least a second, one after the other."""
    parts = []
    for start in range(0, features.shape[1], WINDOW):
        own = features[:, start : start + WINDOW]
        width = -(-own.shape[1] // CHUNK) * CHUNK
        padded = np.zeros((1, len(own), width), np.float32)
        padded[0, :, : own.shape[1]] = own
        count = token_count(own.shape[1])
        inputs = {"features": padded, "widths": np.array([width]), "tokens": np.array([count])}
        parts.append(session.run(None, inputs)[0][0, :count])
    return np.concatenate(parts)


def prompt_inputs(reference, prepared, embeddings):
    ids = prepared["input_ids"].numpy()
    audio = ids == reference.model.thinker.config.audio_token_id
    places = np.zeros_like(ids)
    places[audio] = 1 + np.arange(len(embeddings))
    rows = np.concatenate([np.zeros((1, embeddings.shape[1]), np.float32), embeddings])
    return {"input_ids": ids, "audio_places": places, "audio_rows": rows, "padding": np.zeros(1, np.int64)}


def keys_of(session, inputs, layers):
    """The last layer's keys of a prompt."""
    past = {
        item.name: np.zeros((1, item.shape[1], 1, item.shape[3]), np.float32)
        for item in session.get_inputs()
        if item.name.startswith(("past_key", "past_value"))
    }
    past["candidates"] = np.zeros((1, 1), np.int64)
    more = {"positions": np.arange(inputs["input_ids"].shape[1])[None], "past_mask": np.full((1, 1), -30_000, np.float32)}
    return session.run([f"key.{layers - 1}"], inputs | past | more)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    files = json.loads((options.folder / "manifest.json").read_text())["files"]
    reference = Reference(options.checkpoint)
    prepared = reference.prepare(make_clip("voice", 150_000, 3), "", None)
    features, embeddings = (tensor.numpy() for tensor in reference.encode(prepared))
    inputs = prompt_inputs(reference, prepared, embeddings)
    output = reference.model.thinker(**prepared, use_cache=True)
    layers = len(reference.model.thinker.model.layers)
    keys = output.past_key_values.layers[layers - 1].keys.detach().numpy()
    (tokens,) = reference.generate(prepared, BUDGET)

    for name, allowed in ALLOWED.items():
        suffix = "" if name == "float32" else f".{name}"
        measured = {}
        if f"encoder{suffix}" in files:
            session = open_graph(options.folder, files, f"encoder{suffix}")
            measured["encoder"] = difference(encode(session, features), embeddings)
        if f"decoder{suffix}" in files:
            session = open_graph(options.folder, files, f"decoder{suffix}")
            measured["decoder"] = difference(keys_of(session, inputs, layers), keys)
        assert all(value < allowed for value in measured.values()), (name, measured)
        if f"loop{suffix}" in files:
            loop = open_graph(options.folder, files, f"loop{suffix}")
            more = {"budgets": np.array([BUDGET]), "end_tokens": np.array(reference.ends)}
            said = loop.run(["tokens"], inputs | more)[0][0].tolist()
            assert said == tokens if name == "float32" else said[0] == tokens[0], (name, said, tokens)
            measured["loop"] = f"{sum(a == b for a, b in zip(said, tokens))} of {len(tokens)} tokens"
        if measured:
            print(name, measured)


if __name__ == "__main__":
    main()
