"""The audio of the held-out sentences: which voice says which sentence of test/*.txt, and the development set.

Every test set speaks all sentences of the lists, its voices taking turns. The development set, on which the decoder is
tuned, speaks the last prompts of the list, which neither a training voice nor the language model's text contains.
"""

import argparse
from pathlib import Path

from synthesis import espeak_data, speak_all, write_shard
from text import DEVELOPMENT_PROMPTS, transcript

KINDS = ["everyday", "prose", "numbers", "names", "words"]
PHRASES = Path(__file__).parent / "test" / "phrases.txt"
TEST_SEED = 20
SETS = {
    "espeak-seen": [("espeak", "named"), ("espeak", "generated")],
    "espeak-unseen-variants": [("espeak", "unseen")],
    "flite-seen": [("flite", voice) for voice in ("slt", "awb", "rms", "kal16")],
    "festival-seen": [("festival", voice) for voice in ("ked_diphone", "kal_diphone", "cmu_us_slt_arctic_hts")],
    "unseen-speaker": [("rhvoice", "clb")],
    "unseen-engine": [("rhvoice", "bdl"), ("rhvoice", "alan"), ("pico", "en-US")],
}
DEVELOPMENT_VOICES = [voice for name in SETS if name.endswith("-seen") for voice in SETS[name]]


def test_sentences(folder=Path(__file__).parent / "test"):
    """(kind, prompt) of all committed lists, in their order."""
    return [(kind, line) for kind in KINDS for line in (folder / f"{kind}.txt").read_text().splitlines() if transcript(line)]


def speak_set(sentences, voices, data_folder):
    """Utterances of the sentences, sentence i by voice i modulo the voices."""
    numbered = [(position, kind, prompt) for position, (kind, prompt) in enumerate(sentences)]
    for turn, (engine, voice) in enumerate(voices):
        yield from speak_all(engine, voice, numbered[turn :: len(voices)], TEST_SEED, data_folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prompts", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1, help="of the generated espeak variants, as for synthesis.py")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    data_folder = espeak_data(options.out.parent / "espeak-ng-data", options.seed)
    development = [tuple(line.split("\t")) for line in options.prompts.read_text().splitlines()[-DEVELOPMENT_PROMPTS:]]
    sets = {name: (test_sentences(), voices) for name, voices in SETS.items()}
    phrases = [("phrases", line) for line in PHRASES.read_text().splitlines()]
    sets["phrases"] = (phrases, DEVELOPMENT_VOICES)
    sets["development"] = (development, DEVELOPMENT_VOICES)
    for name, (sentences, voices) in sets.items():
        path = options.out / name
        if not Path(f"{path}.jsonl").exists():
            print(f"{name}: {write_shard(path, speak_set(sentences, voices, data_folder)) / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main()
