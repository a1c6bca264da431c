"""Error rates of an exported graph on test sets, and the decoder's weights tuned on the development set."""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import onnxruntime

import lexicon as lexicons
from decoding import Decoder, LanguageModel, pronunciation_trie
from language_model import read_arpa
from lexicon import CHARACTER_SYMBOLS, PHONE_SYMBOLS
from phrases import phrase_accuracy
from shards import waveforms

WEIGHTS, BONUSES = (0.5, 0.7, 0.9), (-1.0, -0.5, 0.0, 1.0)


def edits(reference, said):
    """Levenshtein distance of two sequences."""
    row = list(range(len(said) + 1))
    for i, wanted in enumerate(reference, 1):
        following = [i]
        for j, got in enumerate(said, 1):
            following.append(min(row[j] + 1, following[-1] + 1, row[j - 1] + (wanted != got)))
        row = following
    return row[-1]


def best_path(scores, symbols):
    """Symbols of the best path of [frames, symbols] log-probabilities."""
    best = scores.argmax(-1)
    return [symbols[now] for now, before in zip(best, [0, *best[:-1]]) if now != before and now != 0]


class Graph:
    """The exported model on one waveform at a time."""

    def __init__(self, path, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, audio):
        """([frames, phones], [frames, characters]) log-probabilities."""
        inputs = {"audio": audio[None], "lengths": np.array([len(audio)], np.int64)}
        phones, characters, _ = self.session.run(None, inputs)
        return phones[0], characters[0]


class Rate:
    """Errors over references, in percent."""

    def __init__(self):
        self.errors, self.length = 0, 0

    def add(self, reference, said):
        self.errors += edits(reference, said)
        self.length += len(reference)

    def percent(self):
        return round(100 * self.errors / max(1, self.length), 2)


def measure(graph, decoder, lexicon, shard, count=None):
    """Error rates of one set: phones and characters of the best path, words greedy and decoded, decoded words by kind and voice."""
    rates, by_kind, by_voice = defaultdict(Rate), defaultdict(Rate), defaultdict(Rate)
    for audio, record in waveforms(shard, count):
        phones, characters = graph(audio)
        text = record["text"]
        words = text.split()
        spelled = "".join(best_path(characters, CHARACTER_SYMBOLS))
        decoded = decoder(phones)
        if all(word in lexicon for word in words):
            spoken = [PHONE_SYMBOLS[symbol] for symbol in lexicons.phones_of(text, lexicon)]
            rates["phones"].add(spoken, best_path(phones, PHONE_SYMBOLS))
        rates["characters"].add(text, spelled)
        rates["wordsGreedy"].add(words, spelled.split())
        rates["wordsDecoded"].add(words, decoded)
        by_kind[record["kind"]].add(words, decoded)
        engine, voice = record["voice"].split(":", 1)
        by_voice[engine if engine == "espeak" else voice].add(words, decoded)
    result = {name: rate.percent() for name, rate in rates.items()}
    result["decodedByKind"] = {kind: rate.percent() for kind, rate in sorted(by_kind.items())}
    result["decodedByVoice"] = {voice: rate.percent() for voice, rate in sorted(by_voice.items())}
    return result


def tune(graph, trie, language_model, shard, count, beam):
    """(weight, bonus, word error rate) that is best on a set."""
    scored = [(graph(audio)[0], record["text"].split()) for audio, record in waveforms(shard, count)]
    tried = []
    for weight in WEIGHTS:
        for bonus in BONUSES:
            decoder, rate = Decoder(trie, language_model, weight, bonus, beam), Rate()
            for phones, words in scored:
                rate.add(words, decoder(phones))
            tried.append((rate.percent(), weight, bonus))
            print(f"weight {weight} bonus {bonus}: {rate.percent()} %", flush=True)
    error, weight, bonus = min(tried)
    return weight, bonus, error


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder of model.onnx, lexicon.txt.gz and lm.arpa.gz")
    parser.add_argument("sets", type=Path, help="folder of the test sets")
    parser.add_argument("--names", nargs="*", help="sets to measure; all by default")
    parser.add_argument("--count", type=int, help="utterances of each set; all by default")
    parser.add_argument("--tune", type=int, metavar="UTTERANCES", help="tune the decoder on so many development utterances first")
    parser.add_argument("--weight", type=float, default=0.7)
    parser.add_argument("--bonus", type=float, default=-0.5)
    parser.add_argument("--beam", type=int, default=48)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="JSON file for the results")
    options = parser.parse_args()

    graph = Graph(options.model / "model.onnx", options.threads)
    lexicon = lexicons.load(options.model / "lexicon.txt.gz")
    trie, language_model = pronunciation_trie(lexicon), LanguageModel(read_arpa(options.model / "lm.arpa.gz"))
    results = {"beam": options.beam, "weight": options.weight, "bonus": options.bonus}
    if options.tune:
        weight, bonus, error = tune(graph, trie, language_model, options.sets / "development", options.tune, options.beam)
        results.update(weight=weight, bonus=bonus, development=error)
    decoder = Decoder(trie, language_model, results["weight"], results["bonus"], options.beam)
    names = options.names or sorted(path.stem for path in options.sets.glob("*.jsonl") if path.stem not in ("development", "phrases"))
    results["sets"] = {}
    for name in names:
        results["sets"][name] = measure(graph, decoder, lexicon, options.sets / name, options.count)
        print(name, json.dumps(results["sets"][name]), flush=True)
    if (options.sets / "phrases.jsonl").exists() and not options.names:
        results["phrases"] = phrase_accuracy(graph, lexicon, options.sets / "phrases")
        print("phrases", results["phrases"], flush=True)
    if options.out:
        options.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
