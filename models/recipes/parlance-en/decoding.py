"""CTC decoding of the phone head: prefix beam search over a trie of pronunciations with a word trigram.

This is the reference for measuring a model; the product has its own decoder of the same search.
"""

import math

import numpy as np

from lexicon import PHONE_IDS, SEPARATOR
from language_model import END, START, UNKNOWN

NEVER = -1e30
# A frame this sure of the blank (natural log) only moves every hypothesis to its blank ending.
SURE_BLANK = -0.005
SYMBOLS_A_FRAME, WORST_SYMBOL, HOMOPHONES = 8, -9.0, 5
WORDS, AHEAD = "words", "ahead"


def pronunciation_trie(lexicon):
    """Nested {phone id: node}; a node in which pronunciations end lists their words under WORDS."""
    root = {}
    for word, pronunciations in lexicon.items():
        for phones in pronunciations:
            node = root
            for phone in phones:
                node = node.setdefault(PHONE_IDS[phone], {})
            node.setdefault(WORDS, []).append(word)
    return root


def look_ahead(node, language_model):
    """Gives every node under AHEAD the best unigram score of the words that can still follow from it."""
    scores = [language_model.score((), word) for word in node.get(WORDS, ())]
    scores += [look_ahead(child, language_model) for phone, child in node.items() if isinstance(phone, int)]
    node[AHEAD] = max(scores)
    return node[AHEAD]


class LanguageModel:
    """Natural log probabilities from ARPA n-grams (see language_model.read_arpa)."""

    def __init__(self, grams):
        self.grams, self.known = grams, {}

    def score(self, history, word):
        """log P(word | the last two words, the first of them `<s>`)."""
        key = (*history, word)
        if key not in self.known:
            self.known[key] = self.look_up(key)
        return self.known[key]

    def look_up(self, gram):
        found = self.grams[len(gram)].get(gram)
        if found is not None:
            return found[0]
        if len(gram) == 1:
            return self.grams[1][(UNKNOWN,)][0]
        return self.grams[len(gram) - 1].get(gram[:-1], (0.0, 0.0))[1] + self.look_up(gram[1:])


def add_logs(a, b):
    if a < b:
        a, b = b, a
    return a if b < NEVER / 2 else a + math.log1p(math.exp(b - a))


class Decoder:
    """Words of [frames, phones] log-probabilities.

    Hypotheses inside a word are ranked as if they ended in its likeliest word: otherwise a beam is full of open words
    that have not met the language model yet, and those that have are lost.
    """

    def __init__(self, trie, language_model, weight=0.5, bonus=1.0, beam=24):
        self.trie, self.language_model = trie, language_model
        if AHEAD not in trie:
            look_ahead(trie, language_model)
        self.weight, self.bonus, self.beam = weight, bonus, beam

    def close(self, words, node, score):
        """Ways to end the open word here: (score, words), at most HOMOPHONES."""
        history = ((START,) + words)[-2:]
        ways = [
            (score + self.weight * self.language_model.score(history, word) + self.bonus, words + (word,))
            for word in node.get(WORDS, ())
        ]
        return sorted(ways, reverse=True)[:HOMOPHONES]

    def __call__(self, frames):
        separator = PHONE_IDS[SEPARATOR]
        # (words, open trie node, last symbol) -> [log P ending in blank, log P ending in the symbol, node, words' score]
        beams = {((), id(self.trie), 0): [0.0, NEVER, self.trie, 0.0]}
        for frame in frames:
            if frame[0] > SURE_BLANK:
                for entry in beams.values():
                    entry[0], entry[1] = add_logs(entry[0], entry[1]) + frame[0], NEVER
                continue
            symbols = [int(s) for s in np.argsort(-frame)[:SYMBOLS_A_FRAME] if frame[s] > WORST_SYMBOL and s != 0]
            grown = {}

            def add(key, blank, symbol, node, score):
                entry = grown.get(key)
                if entry is None:
                    grown[key] = [blank, symbol, node, score]
                else:
                    entry[0], entry[1] = add_logs(entry[0], blank), add_logs(entry[1], symbol)

            for (words, place, last), (blank, symbol, node, score) in beams.items():
                both = add_logs(blank, symbol)
                add((words, place, last), both + frame[0], NEVER, node, score)
                for s in symbols:
                    gain, source = frame[s], both
                    if s == last:
                        add((words, place, last), NEVER, symbol + gain, node, score)
                        source = blank
                    if source < NEVER / 2:
                        continue
                    if s == separator:
                        if node is not self.trie:
                            for total, longer in self.close(words, node, score):
                                add((longer, id(self.trie), s), NEVER, source + gain, self.trie, total)
                    elif s in node:
                        add((words, id(node[s]), s), NEVER, source + gain, node[s], score)
            best = sorted(grown.items(), key=lambda item: self.rank(*item[1]), reverse=True)
            beams = dict(best[: self.beam])
        return self.finish(beams)

    def rank(self, blank, symbol, node, score):
        pending = 0.0 if node is self.trie else self.weight * node[AHEAD] + self.bonus
        return add_logs(blank, symbol) + score + pending

    def finish(self, beams):
        best = (2 * NEVER, ())
        for (words, _, _), (blank, symbol, node, score) in beams.items():
            ways = [(score, words)] if node is self.trie else self.close(words, node, score)
            for total, said in ways:
                if said:
                    total += self.weight * self.language_model.score(((START,) + said)[-2:], END)
                best = max(best, (add_logs(blank, symbol) + total, said))
        return list(best[1])
