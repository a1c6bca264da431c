"""What the teacher says of the prompts, as shards of targets: the student's training data.

A shard is one .npz: `symbols` and `places` (uint8) and `frames` (uint16, 5 ms each) of all its utterances one after the
other, `counts` [utterances, 2] (symbols, frames), and `targets` float16 [frames, TARGETS]: log F0 (between voiced
stretches interpolated), voiced or not, 25 mel-cepstral coefficients, 5 strengths of voicing. A file is renamed into place
when it is whole: a killed run makes only what is missing. The choice of prompts is seeded.
"""

import argparse
import os
import random
import re
import zlib
from multiprocessing import Pool
from pathlib import Path

import numpy as np

from lexicon import words_of
from symbols import SYMBOL_IDS
from teacher import FRAME_SECONDS, Teacher

SHARD_PROMPTS = 250
TARGETS = 32
VOICED = 1
# Shares of the kinds of prompts; `single` is one word of the lexicon.
SHARES = {"prose": 0.40, "everyday": 0.18, "words": 0.20, "names": 0.08, "numbers": 0.08, "short": 0.03, "single": 0.03}
ENDINGS = ".........?!,"


def choose(prompts, words, count, seed):
    """`count` prompts of all kinds in their shares, mixed."""
    by_kind = {}
    for kind, prompt in prompts:
        by_kind.setdefault(kind, []).append(prompt)
    by_kind["single"] = sorted(words)
    chosen = []
    for kind, share in SHARES.items():
        rng = random.Random(zlib.crc32(f"{seed} {kind}".encode()))
        listed = by_kind[kind]
        wanted = round(count * share)
        picked = rng.sample(listed, wanted) if wanted <= len(listed) else rng.choices(listed, k=wanted)
        chosen += [punctuated(prompt, rng) for prompt in picked]
    random.Random(seed).shuffle(chosen)
    return chosen


def punctuated(prompt, rng):
    """The prompt with a mark at its end; long lists of words without any get a comma here and there."""
    words = prompt.split()
    if len(words) > 5 and not re.search(r"[,;:]", prompt) and rng.random() < 0.3:
        place = rng.randint(2, len(words) - 2)
        words[place - 1] += ","
    said = " ".join(words)
    return said if said[-1] in ".?!," else said + rng.choice(ENDINGS)


def targets_of(utterance):
    """float32 [frames, TARGETS] of an Utterance."""
    voiced = utterance.f0 > 0
    places = np.arange(len(voiced))
    if voiced.any():
        pitch = np.interp(places, places[voiced], np.log(utterance.f0[voiced]))
    else:
        pitch = np.full(len(voiced), np.log(172.0))
    return np.column_stack([pitch, voiced, utterance.cepstrum, utterance.strengths]).astype(np.float32)


teacher = None


def make_shard(task):
    """Writes one shard; returns its seconds of speech."""
    global teacher
    path, prompts = task
    teacher = teacher or Teacher()
    parts = {name: [] for name in ("symbols", "places", "frames", "counts", "targets")}
    for prompt in prompts:
        utterance = teacher.say(prompt)
        if utterance is None or any(symbol not in SYMBOL_IDS for symbol in utterance.symbols):
            continue
        parts["symbols"].append(np.array([SYMBOL_IDS[symbol] for symbol in utterance.symbols], np.uint8))
        parts["places"].append(np.array(utterance.places, np.uint8))
        parts["frames"].append(np.array(utterance.frames, np.uint16))
        parts["counts"].append(np.array([[len(utterance.symbols), len(utterance.f0)]], np.int32))
        parts["targets"].append(targets_of(utterance).astype(np.float16))
    whole = {name: np.concatenate(arrays) for name, arrays in parts.items()}
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **whole)
    partial.rename(path)
    return path.name, len(whole["targets"]) * FRAME_SECONDS


def load(folder):
    """Utterances of all shards of a folder: (symbols, places, frames, targets), in order."""
    found = []
    for path in sorted(p for p in Path(folder).glob("*.npz") if not p.name.endswith(".partial.npz")):
        shard = np.load(path)
        ends = shard["counts"].cumsum(0)
        arrays = {name: shard[name] for name in ("symbols", "places", "frames", "targets")}
        for (symbols_end, frames_end), (symbols, frames) in zip(ends, shard["counts"]):
            read = slice(symbols_end - symbols, symbols_end)
            found.append(
                (
                    arrays["symbols"][read],
                    arrays["places"][read],
                    arrays["frames"][read],
                    arrays["targets"][frames_end - frames : frames_end],
                )
            )
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prompts", type=Path)
    parser.add_argument("lexicon", type=Path)
    parser.add_argument("out", type=Path, help="folder of the shards")
    parser.add_argument("--count", type=int, default=8000, help="prompts; 8000 are about 7 hours of speech")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    prompts = [tuple(line.split("\t")) for line in options.prompts.read_text().splitlines()]
    chosen = choose(prompts, words_of(options.lexicon), options.count, options.seed)
    tasks = [
        (options.out / f"slt-{start // SHARD_PROMPTS:03}.npz", chosen[start : start + SHARD_PROMPTS])
        for start in range(0, len(chosen), SHARD_PROMPTS)
    ]
    missing = [task for task in tasks if not task[0].exists()]
    with Pool(options.workers) as pool:
        for name, seconds in pool.imap(make_shard, missing):
            print(f"{name} {seconds / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main()
