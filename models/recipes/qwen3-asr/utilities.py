"""What the official utilities answer to generated cases: 1,200 and more for each function.

    python utilities.py FILE.json.gz

Cases are made to hit the edges: repetitions of 19, 20 and 21, units of one to twenty characters, control characters that
Python takes for white space, characters outside the basic plane, sequences of times with every kind of stray.
"""

import argparse
import gzip
import json
import random
from pathlib import Path

import numpy as np
from qwen_asr.core.transformers_backend.processing_qwen3_asr import _get_feat_extract_output_lengths
from qwen_asr.inference.qwen3_forced_aligner import Qwen3ForceAlignProcessor
from qwen_asr.inference.utils import (
    SUPPORTED_LANGUAGES, detect_and_fix_repetitions, merge_languages, normalize_language_name, parse_asr_output,
    split_audio_into_chunks,
)  # fmt: skip

from clips import make_clip

CASES = 1_200
LETTERS = list("ab cdé,.'\"-0") + ["你", "好", "𠀀", "😀", "ß", "İ", "\u00a0", "\x1c", "\x85", "\ufeff", "\u3000", "\n"]
WORDS = ["the", "fox", "don't", "l'été", "你好", "今天abc天气", "Größe,", "2024", "x-ray", "«où»", "हिन्दी", "ﬁn", "豈", "𠀀b", "…"]


def unit(chance, most=20):
    return "".join(chance.choice(LETTERS) for _ in range(chance.randint(1, most)))


def repetitive(chance):
    """A text of stretches, some of which repeat."""
    parts = []
    for _ in range(chance.randint(0, 4)):
        if chance.random() < 0.5:
            parts.append(unit(chance, 12))
        else:
            parts.append(unit(chance, chance.choice((1, 2, 3, 7, 20, 21))) * chance.choice((2, 5, 18, 19, 20, 21, 22, 41)))
    return "".join(parts)


def spaced(chance):
    return "".join(chance.choice([" ", "\n", "\t", "\x1d", "\u2003", "", ""]) for _ in range(chance.randint(0, 3)))


def raw_output(chance):
    """Something like what the model writes, with what it might get wrong."""
    name = chance.choice([*SUPPORTED_LANGUAGES, "None", "none", "NONE", "english", "klingon", "", "ÉTRANGE", "ßtrange"])
    prefix = chance.choice(["language ", "Language ", "LANGUAGE  ", "language", "lang ", ""])
    tag = chance.choice(["<asr_text>"] * 6 + ["", "<asr_text><asr_text>", "<ASR_TEXT>"])
    meta = chance.choice(["", "", "meta", "language"]) + chance.choice(["", "\n", "\r\n", "\x1e"])
    text = repetitive(chance) if chance.random() < 0.4 else " ".join(chance.choices(WORDS, k=chance.randint(0, 6)))
    return spaced(chance) + meta + prefix + name + spaced(chance) + tag + spaced(chance) + text + spaced(chance)


def times(chance):
    """Slot times as the aligner gives them: mostly rising, with strays."""
    at, answer = 0, []
    for _ in range(chance.randint(1, chance.choice((1, 3, 8, 40)))):
        at += chance.choice((0, 0, 80, 80, 160, 400))
        stray = chance.random() < 0.35
        answer.append(80 * chance.randint(0, 60) if stray else at)
    return answer


# At this rate a clip of a minute is short to store and quick to cut, and float32 sums are exact.
CUT_RATE = 160


def cut(chance):
    """A clip with a stretch of silence, and the longest chunk in seconds."""
    samples, silence = chance.randint(1, 9_600), sorted(chance.randint(0, 9_600) for _ in range(2))
    return [chance.choice(["voice", "noise"]), samples, chance.randint(1, 9_999), *silence, chance.randint(10, 20)]


def chunks(kind, samples, seed, begin, end, longest):
    """[start, samples] of each chunk, its padding included."""
    clip = make_clip(kind, samples, seed)
    clip[begin:end] = 0
    pieces = split_audio_into_chunks(clip.astype(np.float32) / 32_768, CUT_RATE, longest)
    return [[round(offset * CUT_RATE), len(chunk)] for chunk, offset in pieces]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    chance = random.Random(5)
    align = Qwen3ForceAlignProcessor()
    many = lambda make, count=CASES: [make(chance) for _ in range(count)]
    forced = lambda chance: [raw_output(chance), chance.choice([None, None, None, "English"])]
    sentence = lambda chance: "".join(chance.choice(WORDS) + spaced(chance) for _ in range(chance.randint(0, 9)))
    name = lambda chance: spaced(chance) + chance.choice([*SUPPORTED_LANGUAGES, "éa", "ßa", "ǆa", "x", unit(chance, 5)]).swapcase()
    languages = lambda chance: chance.choices(["", "Chinese", "English", "English", "German"], k=chance.randint(0, 7))
    cases = {
        "repetitions": [[text, detect_and_fix_repetitions(text)] for text in many(repetitive)],
        "outputs": [[*case, list(parse_asr_output(*case))] for case in many(forced)],
        "names": [[text, normalize_language_name(text)] for text in many(name) if text.strip()],
        "merged": [[each, merge_languages(each)] for each in many(languages)],
        "tokenCounts": [int(_get_feat_extract_output_lengths(frames)) for frames in range(3_100)],
        "times": [[each, align.fix_timestamp(np.array(each, np.float64))] for each in many(times)],
        "chunks": [[each, chunks(*each)] for each in many(cut)],
        "words": [[text, align.tokenize_space_lang(text)] for text in many(sentence)],
    }
    options.file.write_bytes(gzip.compress(json.dumps(cases, ensure_ascii=False).encode("utf8"), mtime=0))
    print({name: len(each) for name, each in cases.items()}, options.file.stat().st_size)


if __name__ == "__main__":
    main()
