"""Holds an exported folder against its checkpoint.

    python check.py CHECKPOINT FOLDER

float32 must say the official codes, greedy and drawn by given noise, from the talker and the predictor as from the loop, row by row and
in a padded batch; the codec must sound the same whole and in chunks. Of the other formats the difference of the first scores is printed, as a
part of the largest value, and held under what their bits allow.
"""

import argparse
import json
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime

from cases import CASES, REFERENCES, SEEDS, clone_cases
from golden import CODES, FRAMES, RATE, SAMPLING, Official, make_clip, uniform

# For the small checkpoint: its sharp attention and short rows make more of rounding than a trained model does.
ALLOWED = {"float32": 1e-4, "float16": 0.03, "int8": 0.15, "int4": 1.5}
PENALTY, CONTROL, HIDDEN = 1.05, 1_024, np.float32(-30_000)
CHUNKS = (1, 2, 4, 8, 16, 64)


def difference(ours, theirs):
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


class Graphs:
    """What a folder holds in one format."""

    def __init__(self, folder, number_format):
        self.folder, self.suffix = folder, "" if number_format == "float32" else f".{number_format}"
        manifest = json.loads((folder / "manifest.json").read_text())
        self.files, self.section = manifest["files"], manifest["qwen3-tts"]

    def has(self, role):
        return f"{role}{self.suffix}" in self.files

    def open(self, role):
        name = f"{role}{self.suffix}" if self.has(role) else role
        return onnxruntime.InferenceSession(str(self.folder / self.files[name]["path"]), providers=["CPUExecutionProvider"])

    talker = cached_property(lambda self: self.open("talker"))
    predictor = cached_property(lambda self: self.open("predictor"))
    loop = cached_property(lambda self: self.open("loop"))
    decoder = cached_property(lambda self: self.open("codecDecoder"))

    def step(self, embeddings, past, padding=0):
        """Logits, hidden state, and keys and values with the new ones behind them, of one row."""
        layers, heads, head = (self.section[name] for name in ("layers", "keyValueHeads", "headSize"))
        if past is None:
            past = {f"past_{part}.{n}": np.zeros((1, heads, 1, head), np.float32) for part in ("key", "value") for n in range(layers)}
        first = past["past_key.0"].shape[2]
        mask = np.zeros((1, first), np.float32)
        mask[0, 0] = HIDDEN
        places = embeddings.shape[1]
        inputs = {"embeddings": embeddings, "padding": np.array([padding]), "positions": np.arange(first - 1, first - 1 + places)[None]}
        names = [item.name for item in self.talker.get_outputs()]
        answers = dict(zip(names, self.talker.run(None, inputs | past | {"past_mask": mask})))
        grown = {name: np.concatenate([past[name], answers[name[5:]]], 2) for name in past}
        return answers["logits"], answers["hidden"], grown

    def choose(self, logits, said, frame, noise):
        """Code 0 of a row, as the official processors and the given noise have it."""
        end, codes = self.section["codecTokens"]["end"], self.section["codes"]
        scores = logits[0].astype(np.float32).copy()
        for code in set(said):
            scores[code] = scores[code] * np.float32(PENALTY) if scores[code] < 0 else scores[code] / np.float32(PENALTY)
        kept = scores[end] if frame >= 2 else -np.inf
        scores[codes - CONTROL :] = -np.inf
        scores[end] = kept
        if noise is None:
            return int(scores.argmax())
        scores /= np.float32(SAMPLING["temperature"])
        scores[scores < np.sort(scores)[-SAMPLING["top_k"]]] = -np.inf
        sums = np.exp(scores.astype(np.float64) - scores.max()).cumsum()
        return int((sums <= np.float32(noise) * sums[-1]).sum())

    def speak(self, prompt, trailing, pad, seed):
        """(codes, whether it ended) of one row."""
        frames, said, past, embeddings = [], [], None, prompt
        for frame in range(FRAMES):
            logits, hidden, past = self.step(embeddings, past)
            noise = [None] + [0.0] * 15 if seed is None else [uniform(seed, CODES * frame + code) for code in range(CODES)]
            code = self.choose(logits, said, frame, noise[0])
            if code == self.section["codecTokens"]["end"]:
                return frames, True
            said.append(code)
            inputs = {"hidden": hidden, "code": np.array([code]), "noise": np.array([noise[1:]], np.float32)} | settings(1, seed)
            others, embedding = self.predictor.run(["codes", "embedding"], inputs)
            frames.append([code, *others[0].tolist()])
            text = trailing[:, frame : frame + 1] if frame < trailing.shape[1] else pad
            embeddings = embedding[:, None] + text
        return frames, False

    def speak_together(self, rows, seeds):
        """The same of many rows, by the loop. Rows are (prompt, trailing, pad)."""
        longest, hidden = max(row[0].shape[1] for row in rows), self.section["hidden"]
        embeddings = np.zeros((len(rows), longest, hidden), np.float32)
        trailing = np.concatenate([np.repeat(row[2], FRAMES, 1) for row in rows])
        for index, (prompt, text, _) in enumerate(rows):
            embeddings[index, longest - prompt.shape[1] :] = prompt[0]
            count = min(FRAMES, text.shape[1])
            trailing[index, :count] = text[0, :count]
        noise = [[[uniform(seed or 0, CODES * frame + code) for code in range(CODES)] for frame in range(FRAMES)] for seed in seeds]
        count = len(rows)
        own = settings(count, seeds[0])
        inputs = {
            "embeddings": embeddings, "padding": np.array([longest - row[0].shape[1] for row in rows]), "trailing": trailing,
            "budgets": np.full(count, FRAMES), "before_end": np.full(count, 2), "noise": np.array(noise, np.float32),
            "said": np.zeros((count, self.section["codes"]), np.float32), "penalty": np.full(count, PENALTY, np.float32),
        } | own | {f"predictor_{name}": value for name, value in own.items()}  # fmt: skip
        codes, ended = self.loop.run(["codes", "ended"], inputs)
        return [(row[row[:, 0] >= 0].tolist(), bool(end)) for row, end in zip(codes, ended)]

    def decode(self, codes, chunks):
        """Samples of one row, decoded so many frames at a time, the last number over and over."""
        state, seen, samples = np.zeros((1, self.section["codec"]["stateSize"]), np.float32), 0, []
        chunks = list(chunks)
        while seen < len(codes):
            size = chunks.pop(0) if len(chunks) > 1 else chunks[0]
            part = np.array([codes[seen : seen + size]], np.int64)
            made, state = self.decoder.run(["samples", "next_state"], {"codes": part, "state": state, "seen": np.array([seen])})
            samples.append(made[0])
            seen += size
        return np.concatenate(samples)


def settings(rows, seed):
    temperature = 0 if seed is None else SAMPLING["temperature"]
    return {"temperature": np.full(rows, temperature, np.float32), "top_k": np.full(rows, SAMPLING["top_k"])}


def check_speech(graphs, official, cases):
    """Every case against the official rows. Answers how many frames were compared."""
    compared, rows, expected = 0, [], {None: [], "drawn": []}
    for index, case in enumerate(cases):
        for seed in (None, SEEDS[index % len(SEEDS)]):
            (answer,) = official.speak([case], seeds=None if seed is None else [seed])
            row = [official.inputs[name].numpy() for name in ("inputs_embeds", "trailing_text_hidden", "tts_pad_embed")]
            assert graphs.speak(*row, seed) == answer, ("row", seed, case)
            expected[None if seed is None else "drawn"].append(answer)
            compared += len(answer[0])
        rows.append(row)
    for kind, seeds in ((None, [None] * len(cases)), ("drawn", [SEEDS[index % len(SEEDS)] for index in range(len(cases))])):
        said = graphs.speak_together(rows, seeds)
        assert said == expected[kind], ("loop", kind)
    return compared


def check_codec(graphs, official, frames=90):
    """The largest difference from the official sound, whole and in chunks of many sizes."""
    book = graphs.section["codebookSize"]
    codes = np.random.default_rng(5).integers(0, book, (frames, CODES)).tolist()
    theirs = official.decode(codes)
    return max(difference(graphs.decode(codes, chunks), theirs) for chunks in ((frames,), CHUNKS, (7,)))


def check_rows(graphs, rows=5):
    """The codes of many rows of one run must be those of each row alone. Answers them."""
    section, chance = graphs.section, np.random.default_rng(9)
    inputs = {
        "hidden": chance.standard_normal((rows, section["hidden"])).astype(np.float32),
        "code": chance.integers(0, section["codebookSize"], rows), "noise": chance.random((rows, CODES - 1)).astype(np.float32),
        "temperature": np.array([0, 0.9, 1.3, 0, 0.7][:rows], np.float32), "top_k": np.array([0, 20, 0, 7, 1][:rows]),
    }  # fmt: skip
    together = graphs.predictor.run(["codes"], inputs)[0]
    for row in range(rows):
        alone = graphs.predictor.run(["codes"], {name: value[row : row + 1] for name, value in inputs.items()})[0]
        assert (alone[0] == together[row]).all(), (row, alone[0], together[row])
    return together


def check_references(graphs, official):
    """Codes that differ, and the difference of the speaker's embedding."""
    wrong, apart = 0, 0.0
    encoder, speaker = graphs.open("codecEncoder"), graphs.open("speakerEncoder")
    for kind, samples, seed in REFERENCES.values():
        clip = make_clip(kind, samples, seed).astype(np.float32) / 32_768
        item = official.wrapper.create_voice_clone_prompt((clip, RATE), "some text")[0]
        codes = encoder.run(None, {"samples": clip[None]})[0][0]
        theirs = item.ref_code.numpy()
        assert codes.shape == theirs.shape, (codes.shape, theirs.shape)
        wrong += int((codes != theirs).sum())
        apart = max(apart, difference(speaker.run(None, {"samples": clip[None]})[0][0], item.ref_spk_embedding.numpy()))
    return wrong, apart


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    official = Official(options.checkpoint)
    cases = clone_cases() if official.kind == "base" else CASES[official.kind]
    official.speak(cases[:1])
    given = {name: official.inputs[name] for name in ("inputs_embeds", "attention_mask")}
    prompt, theirs = given["inputs_embeds"].numpy(), official.model.talker(**given).logits[0, -1].detach().numpy()
    plain = Graphs(options.folder, "float32")
    if plain.has("talker"):
        print("float32: frames as the official ones:", check_speech(plain, official, cases))
    apart = check_codec(plain, official)
    print("codec:", apart)
    assert apart < ALLOWED["float32"]
    if official.kind == "base":
        wrong, apart = check_references(plain, official)
        print("references: codes that differ:", wrong, "speaker:", apart)
        assert wrong == 0 and apart < ALLOWED["float32"]
    exact = check_rows(plain) if plain.has("talker") else None
    for number_format, allowed in ALLOWED.items():
        graphs = Graphs(options.folder, number_format)
        if graphs.has("talker"):
            apart = difference(graphs.step(prompt, None)[0][0], theirs)
            assert apart < allowed, (number_format, apart)
            print(number_format, "scores:", apart, "codes of the predictor as in float32:", (check_rows(graphs) == exact).mean())


if __name__ == "__main__":
    main()
