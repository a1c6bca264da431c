"""Training data: utterances of all finished shards, drawn in seeded pools and grouped into batches of similar length."""

import json
import random
import zlib
from pathlib import Path

import numpy as np

from lexicon import characters_of, phones_of

RATE = 16_000
# Share of the training items of each voice. Engines and speakers differ more than espeak's variants do.
SHARES = {
    "espeak-named": 0.13,
    "espeak-generated": 0.16,
    "flite-slt": 0.12,
    "flite-awb": 0.11,
    "flite-rms": 0.10,
    "flite-kal16": 0.13,
    "flite-kal": 0.01,
    "festival-ked_diphone": 0.11,
    "festival-kal_diphone": 0.08,
    "festival-cmu_us_slt_arctic_hts": 0.05,
}
POOL_ITEMS = 2400
LONGEST_ITEM = 26 * RATE


def waveforms(shard, count=None):
    """(float32 samples in [-1, 1], record) of the utterances of a shard (a path without suffix)."""
    audio = np.memmap(f"{shard}.pcm", dtype="<i2", mode="r")
    for line in Path(f"{shard}.jsonl").read_text().splitlines()[:count]:
        record = json.loads(line)
        part = audio[record["offset"] : record["offset"] + record["samples"]]
        yield part.astype(np.float32) / 32768, record


class Shards:
    """All finished shards of a folder; `scan` picks up those that were written since."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.audio, self.groups, self.known = {}, {}, set()
        self.seconds = {}

    def scan(self):
        for path in sorted(self.folder.glob("*.jsonl")):
            if path.name in self.known:
                continue
            self.known.add(path.name)
            records = [json.loads(line) for line in path.read_text().splitlines()]
            if not records:
                continue
            name = path.name[: -len(".jsonl")]
            self.audio[name] = np.memmap(path.with_suffix(".pcm"), dtype="<i2", mode="r")
            group = name.rsplit("-", 1)[0]
            self.groups.setdefault(group, []).extend((name, record) for record in records)
            self.seconds[group] = self.seconds.get(group, 0) + sum(record["samples"] for record in records) / RATE
        return self

    def samples(self, utterance):
        """Float32 samples in [-1, 1]."""
        name, record = utterance
        part = self.audio[name][record["offset"] : record["offset"] + record["samples"]]
        return part.astype(np.float32) / 32768


def draw_item(groups, names, weights, rng):
    """One training item: a list of utterances to join. Some are empty (noise only), some join up to five."""
    chance = rng.random()
    if chance < 0.012:
        return []
    wanted = 1 if chance < 0.94 else rng.randint(2, 5)
    item, total = [], 0
    for _ in range(wanted):
        utterance = rng.choice(groups[rng.choices(names, weights)[0]])
        total += utterance[1]["samples"] + RATE // 2
        if item and total > LONGEST_ITEM * 0.85:
            break
        item.append(utterance)
    return item


def pools(folder, seed, start, batch_seconds):
    """Yields (pool number, list of batches); a batch is a list of items. Pool n is the same whenever it is drawn
    from the same shards; a longer list of shards changes it."""
    shards = Shards(folder)
    number = start
    while True:
        groups = shards.scan().groups
        names = sorted(name for name in groups if SHARES.get(name))
        weights = [SHARES[name] for name in names]
        rng = random.Random(zlib.crc32(f"{seed} pool {number}".encode()))
        items = [draw_item(groups, names, weights, rng) for _ in range(POOL_ITEMS)]
        # Noise has no length yet; a random one spreads it over the batches.
        lengths = [sum(record["samples"] + RATE // 2 for _, record in item) or rng.randint(RATE, 8 * RATE) for item in items]
        batches, current = [], []
        for length, i in sorted(zip(lengths, range(len(items)))):
            if current and length * (len(current) + 1) > batch_seconds * RATE:
                batches.append(current)
                current = []
            current.append(items[i])
        batches.append(current)
        rng.shuffle(batches)
        yield number, shards, batches
        number += 1


def render(item, shards, lexicon, rng):
    """An item's waveform at another speed, with pauses and levels, and its phone and character ids."""
    if not item:
        length = rng.randint(RATE // 4, 6 * RATE)
        level = rng.choice([0.0, 1e-4, 1e-3, 1e-2, 0.1])
        noise = np.random.default_rng(rng.randrange(2**32)).standard_normal(length).astype(np.float32)
        return noise * level, [], []
    pieces, phones, characters = [silence(rng, 0.5)], [], []
    speed = rng.uniform(0.9, 1.2)
    for place, utterance in enumerate(item):
        samples = shards.samples(utterance)
        count = int(len(samples) / speed)
        samples = np.interp(np.arange(count) * speed, np.arange(len(samples)), samples).astype(np.float32)
        if place:
            pieces.append(silence(rng, 0.9))
            phones.append(1)
            characters.append(1)
        pieces.append(samples * 10 ** (rng.uniform(-6, 0) / 20))
        text = utterance[1]["text"]
        phones += phones_of(text, lexicon)
        characters += characters_of(text)
    pieces.append(silence(rng, 0.5))
    audio = np.concatenate(pieces)[: LONGEST_ITEM * 2]
    return audio * 10 ** (rng.uniform(-30, 3) / 20), phones, characters


def silence(rng, longest):
    """Nothing in half of the cases, else up to `longest` seconds of it, one time in ten three times as much."""
    seconds = max(0.0, rng.uniform(-longest, longest)) * (3 if rng.random() < 0.1 else 1)
    return np.zeros(int(seconds * RATE), np.float32)
