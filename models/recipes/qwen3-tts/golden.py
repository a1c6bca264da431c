"""What the official implementation answers: the fixtures of the TypeScript parity tests.

    python golden.py CHECKPOINT FILE.json.gz

float32, its own attention. Long arrays are stored at sampled places. Draws of the official code are made by given noise, number 16 * f + g
of a row's seed for code g of its frame f, by inverse distribution over the ids in order. Before anything is written the official batches
(left padding) are held against the official single rows.
"""

import argparse
import base64
import gzip
import json
from pathlib import Path

import numpy as np
import torch

from cases import CASES, REFERENCES, SEEDS, clone_cases
from export import load_checkpoint

from clips import make_clip  # isort: skip

STORED = 600
FRAMES = 10
CODES = 16
SAMPLING = {"temperature": 0.9, "top_k": 20}
RATE = 24_000


def sampled(array, stored=STORED):
    """A float array as {shape, step, data}: every `step`-th value, base64 of float32."""
    flat = np.ascontiguousarray(array, np.float32).reshape(-1)
    step = max(1, -(-flat.size // stored))
    # A step that shares no factor with the row length visits every row and column.
    while step > 1 and any(step % size == 0 for size in (2, 3, 5)):
        step += 1
    return {"shape": list(np.shape(array)), "step": step, "data": base64.b64encode(flat[::step].tobytes()).decode()}


def mix(value):
    """MurmurHash3's finaliser, as in shared/generation's sampler."""
    value ^= value >> 16
    value = value * 0x85EBCA6B & 0xFFFFFFFF
    value ^= value >> 13
    value = value * 0xC2B2AE35 & 0xFFFFFFFF
    return value ^ value >> 16


def uniform(seed, n):
    """The n-th number of a seed, from 0 to below 1."""
    begin = mix(mix(mix(seed & 0xFFFFFFFF ^ 0x9E3779B9) ^ seed >> 32) ^ n)
    return (mix(begin ^ 0x85EBCA6B) * 2**21 + (mix(begin ^ 0xC2B2AE35) >> 11)) / 2**53


class Noise:
    """Stands for torch's multinomial while the official code generates."""

    def __init__(self, seeds):
        self.seeds, self.draws = seeds, 0

    def __call__(self, probabilities, num_samples, **_):
        sums = probabilities.double().cumsum(-1)
        at = torch.tensor([uniform(seed, self.draws) for seed in self.seeds], dtype=torch.float64)
        # The graphs take noise as float32.
        at = at.float().double()
        self.draws += 1
        return (sums <= (at * sums[:, -1])[:, None]).sum(-1, keepdim=True)


class Official:
    """One checkpoint behind the official wrapper, its inner calls written down."""

    def __init__(self, checkpoint):
        self.wrapper = load_checkpoint(checkpoint)
        self.model = self.wrapper.model
        self.kind = self.model.config.tts_model_type
        self.inputs = self.codes = None
        generate, decode = self.model.talker.generate, self.model.generate

        def note_inputs(*given, **options):
            self.inputs = {name: options[name].detach() for name in ("inputs_embeds", "attention_mask", "trailing_text_hidden", "tts_pad_embed")}
            return generate(*given, **options)

        def note_codes(*given, **options):
            self.codes, hidden = decode(*given, **options)
            return self.codes, hidden

        self.model.talker.generate, self.model.generate = note_inputs, note_codes

    def speak(self, cases, frames=FRAMES, seeds=None):
        """(codes, whether it ended) of every row. Without seeds: greedy."""
        # A run that stops at its limit loses the code that it drew last.
        options = {"max_new_tokens": frames + 1, "repetition_penalty": 1.05, "non_streaming_mode": cases[0]["whole"]}
        if seeds is None:
            options |= {"do_sample": False, "subtalker_dosample": False}
        else:
            options |= SAMPLING | {f"subtalker_{name}": value for name, value in SAMPLING.items()}
        texts, languages = [case["text"] for case in cases], [case["language"] for case in cases]
        kept, torch.multinomial = torch.multinomial, Noise(seeds)
        try:
            if self.kind == "custom_voice":
                speakers, instructions = [case["speaker"] for case in cases], [case["instructions"] for case in cases]
                self.wrapper.generate_custom_voice(texts, speakers, languages, instructions, **options)
            elif self.kind == "voice_design":
                self.wrapper.generate_voice_design(texts, [case["instructions"] for case in cases], languages, **options)
            else:
                prompts = [self.prompt(case) for case in cases]
                self.wrapper.generate_voice_clone(texts, languages, voice_clone_prompt=prompts, **options)
        finally:
            torch.multinomial = kept
        return [(codes.tolist(), len(codes) < frames) for codes in self.codes]

    def prompt(self, case):
        kind, samples, seed = REFERENCES[case["reference"]]
        clip = make_clip(kind, samples, seed).astype(np.float32) / 32_768
        text = case["referenceText"]
        return self.wrapper.create_voice_clone_prompt((clip, RATE), text, x_vector_only_mode=text is None)[0]

    def decode(self, codes):
        return self.model.speech_tokenizer.decode([{"audio_codes": np.array(codes)}])[0][0]


def make_rows(official, cases):
    rows = []
    for index, case in enumerate(cases):
        ((codes, ended),) = official.speak([case])
        prompt, trailing = official.inputs["inputs_embeds"][0].numpy(), official.inputs["trailing_text_hidden"][0].numpy()
        ((drawn, drawn_ended),) = official.speak([case], seeds=[SEEDS[index % len(SEEDS)] + index])
        row = case | {
            "prompt": sampled(prompt), "trailing": sampled(trailing), "codes": codes, "ended": ended,
            "seed": SEEDS[index % len(SEEDS)] + index, "drawn": drawn, "drawnEnded": drawn_ended,
        }  # fmt: skip
        rows.append(row)
    check_batches(official, cases, rows)
    return rows


def check_batches(official, cases, rows):
    """The official batch must say what the official rows say alone."""
    for whole in (True, False):
        picked = [index for index, case in enumerate(cases) if case["whole"] == whole]
        for size in {min(size, len(picked)) for size in (2, 5, 16)} - {0}:
            some = picked[:size]
            greedy = official.speak([cases[index] for index in some])
            drawn = official.speak([cases[index] for index in some], seeds=[rows[index]["seed"] for index in some])
            for index, one, other in zip(some, greedy, drawn):
                assert one == (rows[index]["codes"], rows[index]["ended"]), ("greedy", size, cases[index])
                assert other == (rows[index]["drawn"], rows[index]["drawnEnded"]), ("drawn", size, cases[index])


def make_sounds(official, rows):
    """The samples of some rows' codes, and of a longer stretch of any codes."""
    chance = np.random.default_rng(3)
    book = official.model.config.talker_config.code_predictor_config.vocab_size
    long = chance.integers(0, book, (60, CODES)).tolist()
    sounds = []
    for codes in [row["codes"] for row in rows[:3] if row["codes"]] + [long, long[:1]]:
        samples = official.decode(codes)
        assert len(samples) == 1920 * len(codes)
        sounds.append({"codes": codes, "samples": sampled(samples, 2 * STORED)})
    return sounds


def make_references(official):
    references = {}
    for name, (kind, samples, seed) in REFERENCES.items():
        clip = make_clip(kind, samples, seed)
        item = official.wrapper.create_voice_clone_prompt((clip.astype(np.float32) / 32_768, RATE), "some text")[0]
        references[name] = {
            "clip": [kind, samples, seed], "check": int(np.abs(clip.astype(np.int64)).sum()),
            "codes": item.ref_code.tolist(), "embedding": item.ref_spk_embedding.tolist(),
        }  # fmt: skip
    return references


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    official = Official(options.checkpoint)
    cases = clone_cases() if official.kind == "base" else CASES[official.kind]
    rows = make_rows(official, cases)
    golden = {"kind": official.kind, "frames": FRAMES, "sampling": SAMPLING, "repetitionPenalty": 1.05, "rows": rows, "sounds": make_sounds(official, rows)}
    if official.kind == "base":
        golden["references"] = make_references(official)
    options.file.parent.mkdir(parents=True, exist_ok=True)
    options.file.write_bytes(gzip.compress(json.dumps(golden, ensure_ascii=False).encode(), mtime=0))
    ended = sum(row["ended"] for row in rows), sum(row["drawnEnded"] for row in rows)
    distinct = len({tuple(frame) for row in rows for frame in row["codes"]})
    print(official.kind, len(rows), "rows; ended", ended, "; distinct frames", distinct, options.file.stat().st_size)


if __name__ == "__main__":
    main()
