"""A pruned word trigram in ARPA form: interpolated Kneser-Ney, mixed with a general one, then entropy pruning.

The text is every prompt but the development ones, and the prose that was not chosen as a prompt; the general trigram
(general_model.py) knows how people talk. Words outside the lexicon are `<unk>`. Discounts are Chen and Goodman's; pruning drops an n-gram when backing off instead changes the
model little, weighted by how often its history occurs (Stolcke's criterion without the change of the backoff weight).
"""

import argparse
import gzip
import math
from collections import Counter, defaultdict
from pathlib import Path

import general_model
import lexicon as lexicons
from text import DEVELOPMENT_PROMPTS, HeldOut, prose, transcript, vocabulary

ORDER = 3
# Words of a usual sentence: how often a start is met when n-grams are weighed.
SENTENCE_WORDS = 12
START, END, UNKNOWN = "<s>", "</s>", "<unk>"


def discounts(counts):
    """Chen and Goodman's three discounts from the counts of counts."""
    of = Counter(min(count, 5) for count in counts)
    if not all(of[n] for n in (1, 2, 3, 4)):
        return (0.5, 0.75, 0.9)
    y = of[1] / (of[1] + 2 * of[2])
    return tuple(min(n, max(0.1, n - (n + 1) * y * of[n + 1] / of[n])) for n in (1, 2, 3))


class Trigram:
    """Probabilities of n-grams up to ORDER; `prune` keeps the worthwhile ones, `lines` prints ARPA."""

    def __init__(self, sentences, words):
        raw = [Counter() for _ in range(ORDER + 1)]
        for sentence in sentences:
            tokens = [START, *(word if word in words else UNKNOWN for word in sentence.split()), END]
            for order in range(1, ORDER + 1):
                raw[order].update(tuple(tokens[i : i + order]) for i in range(len(tokens) - order + 1))
        # Kneser-Ney: lower orders count the different words before an n-gram, not its occurrences.
        counts = [None, Counter(), Counter(), raw[ORDER]]
        for order in range(1, ORDER):
            for gram in raw[order + 1]:
                counts[order][gram[1:]] += 1
            for gram, count in raw[order].items():
                if gram[0] == START:
                    counts[order][gram] = count
        del counts[1][(START,)]
        for word in words | {UNKNOWN, END}:
            counts[1].setdefault((word,), 0)
        self.probability, self.weights = [None, {}, {}, {}], [None, None, {}, {}]
        for order in range(1, ORDER + 1):
            self.estimate(order, counts[order])
        for order in range(2, ORDER + 1):
            self.weights[order] = self.backoffs(order)

    def estimate(self, order, counts):
        cut = (0.0, *discounts([count for count in counts.values() if count]))
        total, freed = Counter(), defaultdict(float)
        for gram, count in counts.items():
            total[gram[:-1]] += count
            freed[gram[:-1]] += cut[min(count, 3)]
        size = len(self.probability[1]) or len(counts)
        for gram, count in counts.items():
            history = gram[:-1]
            lower = self.probability[order - 1][gram[1:]] if order > 1 else 1 / size
            kept = count - cut[min(count, 3)]
            self.probability[order][gram] = (kept + freed[history] * lower) / total[history]

    def backoffs(self, order):
        """Backoff weight of every history of the kept n-grams of an order."""
        seen, lower = defaultdict(float), defaultdict(float)
        for gram, probability in self.probability[order].items():
            seen[gram[:-1]] += probability
            lower[gram[:-1]] += self.score(gram[1:])
        return {history: max(1e-6, 1 - seen[history]) / max(1e-6, 1 - lower[history]) for history in seen}

    def mix(self, general, share):
        """Gives the other model's n-grams of our words `share` of the probability; what only one has, the other backs off for."""
        grams, weights = general
        other = Trigram.__new__(Trigram)
        known = {word for (word,) in self.probability[1]}
        other.probability = [None] + [{g: p for g, p in grams[n].items() if known.issuperset(g[1:])} for n in (1, 2, 3)]
        other.weights = weights
        rare = min(other.probability[1].values())
        for gram in self.probability[1]:
            other.probability[1].setdefault(gram, rare)
        mixed = [None, {}, {}, {}]
        for order in (1, 2, 3):
            # The start is never predicted, and a history is of words that we have.
            union = self.probability[order].keys() | {g for g in other.probability[order] if g[-1] != START and (g[0] in known or g[0] == START)}
            union -= {(START,)}
            for gram in union:
                mixed[order][gram] = (1 - share) * self.score(gram) + share * other.score(gram)
        total = sum(mixed[1].values())
        mixed[1] = {gram: p / total for gram, p in mixed[1].items()}
        self.probability = mixed
        # Every n-gram's history has to be one.
        for gram in list(mixed[3]):
            if gram[:2] not in mixed[2]:
                mixed[2][gram[:2]] = (1 - share) * self.score(gram[:2]) + share * other.score(gram[:2])
        for order in (2, 3):
            self.weights[order] = self.backoffs(order)

    def frequency(self, history):
        """How often a history of one or two words comes, as a share of all words."""
        start, *rest = history
        share = 1 / SENTENCE_WORDS if start == START else self.probability[1][(start,)]
        return share * (self.score(history) if rest else 1)

    def score(self, gram):
        """Probability of the last word of an n-gram after the others, backing off as a reader of the file does."""
        while True:
            known = self.probability[len(gram)].get(gram)
            if known is not None:
                return known
            weight = self.weights[len(gram)].get(gram[:-1], 1.0)
            rest = self.score(gram[1:])
            return weight * rest

    def prune(self, sizes):
        """Keeps the `sizes[order]` n-grams of each order whose loss would cost most."""
        needed = set()
        for order in range(ORDER, 1, -1):
            def worth(gram):
                history = gram[:-1]
                probability = self.probability[order][gram]
                backed = self.weights[order][history] * self.score(gram[1:])
                return self.frequency(history) * probability * math.log(probability / backed)

            ranked = sorted(((worth(gram), gram) for gram in self.probability[order]), reverse=True)
            kept = {gram for value, gram in ranked[: sizes[order]] if value > 0} | needed
            self.probability[order] = {gram: p for gram, p in self.probability[order].items() if gram in kept}
            needed = {gram[:-1] for gram in kept}
        self.weights[2] = self.backoffs(2)
        self.weights[3] = self.backoffs(3)

    def lines(self):
        """ARPA text with log10 values of two decimals."""
        rows = {1: dict(self.probability[1]), 2: self.probability[2], 3: self.probability[3]}
        rows[1][(START,)] = None
        yield "\\data\\\n"
        for order in rows:
            yield f"ngram {order}={len(rows[order])}\n"
        for order in rows:
            yield f"\n\\{order}-grams:\n"
            for gram in sorted(rows[order]):
                probability = rows[order][gram]
                value = -99 if probability is None else round(math.log10(probability), 2)
                weight = self.weights[order + 1].get(gram) if order < ORDER else None
                tail = "" if weight is None else f"\t{round(math.log10(weight), 2)}"
                yield f"{value}\t{' '.join(gram)}{tail}\n"
        yield "\n\\end\\\n"


def read_arpa(path):
    """[None, unigrams, bigrams, trigrams]: n-gram -> (natural log probability, natural log backoff weight)."""
    grams, order = [None, {}, {}, {}], 0
    with gzip.open(path, "rt", encoding="utf8") as lines:
        for line in lines:
            if line.startswith("\\"):
                order = int(line[1]) if line[1].isdigit() else 0
            elif order and line.strip():
                value, gram, *weight = line.rstrip("\n").split("\t")
                grams[order][tuple(gram.split())] = (float(value) * math.log(10), float(weight[0]) * math.log(10) if weight else 0.0)
    return grams


def text(prompts):
    """Transcripts for counting: the prompts without the development ones, and all other prose without held-out sentences."""
    said = [transcript(line.split("\t")[1]) for line in prompts.read_text().splitlines()]
    development = set(said[-DEVELOPMENT_PROMPTS:])
    held = HeldOut()
    known = set(said)
    rest = sorted(sentence for sentence in prose(vocabulary()) if sentence not in known and sentence not in held)
    return [sentence for sentence in said + rest if sentence not in development]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prompts", type=Path)
    parser.add_argument("lexicon", type=Path, help="lexicon of the shipped model")
    parser.add_argument("out", type=Path, help=".arpa.gz")
    parser.add_argument("--bigrams", type=int, default=370_000)
    parser.add_argument("--trigrams", type=int, default=345_000)
    parser.add_argument("--general", type=float, default=0.4, help="share of the general trigram")
    options = parser.parse_args()
    sentences = text(options.prompts)
    model = Trigram(sentences, set(lexicons.load(options.lexicon)))
    model.mix(general_model.read(), options.general)
    whole = [len(grams) for grams in model.probability[1:]]
    model.prune({2: options.bigrams, 3: options.trigrams})
    data = "".join(model.lines()).encode()
    options.out.write_bytes(gzip.compress(data, 9, mtime=0))
    kept = [len(grams) for grams in model.probability[1:]]
    print(f"{len(sentences)} sentences, n-grams {whole} -> {kept}, {options.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
