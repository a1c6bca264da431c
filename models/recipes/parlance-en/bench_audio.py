"""The recordings of `npm run bench:models`: a fixed part of every test set, as one Ogg Opus file a set with an index.

The test sets (test_audio.py) are hours long; the benchmark takes every n-th sentence of each list, the same ones in every
set, with half a second of silence between them. The index names start and length in samples at 16 kHz. Needs ffmpeg.
"""

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np

from shards import RATE, waveforms
from test_audio import SETS

# Sentences of each kind in a set; random words are left to the model's card, no one says them.
WANTED = {"everyday": 40, "prose": 30, "numbers": 15, "names": 15, "phrases": 150}
PAUSE = np.zeros(RATE // 2, np.float32)


def chosen(shard):
    """Evenly spread (samples, record) of a test set, in its order."""
    spoken = sorted(waveforms(shard), key=lambda utterance: (utterance[1]["kind"], utterance[1]["text"]))
    for kind, wanted in WANTED.items():
        of_kind = [utterance for utterance in spoken if utterance[1]["kind"] == kind]
        count = min(wanted, len(of_kind))
        yield from (of_kind[i * len(of_kind) // count] for i in range(count))


def write(shard, out):
    pieces, index, place = [PAUSE], [], len(PAUSE)
    for samples, record in chosen(shard):
        index.append({"start": place, "samples": len(samples), **{key: record[key] for key in ("kind", "voice", "text")}})
        pieces += [samples, PAUSE]
        place += len(samples) + len(PAUSE)
    audio = (np.concatenate(pieces) * 32767).astype("<i2").tobytes()
    codec = ["-c:a", "libopus", "-b:a", "20k", "-application", "audio", "-fflags", "+bitexact", "-map_metadata", "-1"]
    command = ["ffmpeg", "-v", "error", "-y", "-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "-", *codec, str(out / f"{shard.name}.opus")]
    subprocess.run(command, input=audio, check=True)
    lines = ",\n".join(json.dumps(entry) for entry in index)
    (out / f"{shard.name}.json").write_text(f"[\n{lines}\n]\n")
    return place / RATE


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", type=Path, help="folder of the test sets")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in [*SETS, "phrases"]:
        print(f"{name}: {write(options.sets / name, options.out) / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main()
