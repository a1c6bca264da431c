"""A dozen held-out everyday sentences as WAV files with their texts: the fixtures of the repository's tests and demo.

With a graph, the sentences are those which it reads best by the phones of its best path; without one, the shortest.
"""

import argparse
import json
import wave
from pathlib import Path

import numpy as np

import lexicon as lexicons
from evaluate import Graph, best_path, edits
from shards import waveforms
from test_audio import test_sentences
from text import transcript

# Test set, start of the voice's name, and how many clips it gives. File names follow from these alone.
CLIPS = [
    ("espeak-seen", "espeak:", 3),
    ("flite-seen", "flite:slt", 2),
    ("flite-seen", "flite:rms", 1),
    ("flite-seen", "flite:awb", 1),
    ("flite-seen", "flite:kal16", 1),
    ("festival-seen", "festival:ked", 1),
    ("festival-seen", "festival:kal", 1),
    ("festival-seen", "festival:cmu_us_slt", 2),
]
LONGEST_SECONDS = 4.4


def write_wav(path, samples):
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes((samples * 32767).astype("<i2").tobytes())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", type=Path)
    parser.add_argument("lexicon", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--graph", type=Path)
    options = parser.parse_args()
    lexicon = lexicons.load(options.lexicon)
    graph = Graph(options.graph, 1) if options.graph else None
    prompts = {transcript(prompt): prompt for _, prompt in test_sentences()}
    options.out.mkdir(parents=True, exist_ok=True)
    used, index = set(), []
    for shard, voice, count in CLIPS:
        label, number, ranked = voice.strip(":").replace(":", "-").replace("_", "-"), 0, []
        for audio, record in waveforms(options.sets / shard):
            seconds = len(audio) / 16_000
            if record["kind"] != "everyday" or not record["voice"].startswith(voice) or seconds > LONGEST_SECONDS:
                continue
            cost = seconds
            if graph:
                spoken = " | ".join(" ".join(lexicon[word][0]) for word in record["text"].split()).split()
                cost = edits(spoken, best_path(graph(audio)[0], lexicons.PHONE_SYMBOLS)) / len(spoken)
            ranked.append((cost, record["text"], record["voice"], audio))
        for _, text, name, audio in sorted(ranked, key=lambda clip: clip[:2]):
            if text in used or number == count:
                continue
            used.add(text)
            number += 1
            file = f"{label}-{number}.wav"
            write_wav(options.out / file, np.clip(audio, -1, 1))
            index.append({"file": file, "text": prompts[text], "voice": name})
    (options.out / "samples.json").write_text(json.dumps(index, indent=2) + "\n")
    print(f"{len(index)} clips, {sum((options.out / clip['file']).stat().st_size for clip in index) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
