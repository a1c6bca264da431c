"""The general English trigram of Debian's pocketsphinx-en-us (BSD licence), read from its binary trie.

The file holds: a name, the order, the counts; three tables that dequantise 16-bit numbers; unigrams; bigrams and
trigrams packed bit by bit, each below the word that they predict, the word before it first; the words. Values are
logarithms to the base 1.0001.
"""

import struct
from pathlib import Path

import numpy as np

PATH = Path("/usr/share/pocketsphinx/model/en-us/en-us.lm.bin")
NAME = b"Trie Language Model"
LEVELS, SLACK = 1 << 16, 8
TO_NATURAL = np.log(1.0001)


def bits_for(number):
    return int(number).bit_length()


class Packed:
    """Entries of equal width in bits, least significant bit first."""

    def __init__(self, data, start, entries, widths):
        self.bytes = ((1 + entries) * sum(widths) + 7) // 8 + SLACK
        used = (entries * sum(widths) + 7) // 8
        bits = np.unpackbits(np.frombuffer(data, np.uint8, used, start), bitorder="little")
        self.bits = bits[: entries * sum(widths)].reshape(entries, sum(widths))
        self.starts = np.concatenate([[0], np.cumsum(widths)])

    def field(self, n):
        part = self.bits[:, self.starts[n] : self.starts[n + 1]].astype(np.int64)
        return part @ (1 << np.arange(part.shape[1], dtype=np.int64))


def children(first):
    """The parent of each child, from where each parent's children begin and the last one's end."""
    return np.repeat(np.arange(len(first) - 1), np.diff(first.astype(np.int64)))


def read(path=PATH):
    """([None, unigrams, bigrams, trigrams], [None, None, backoffs of words, backoffs of pairs]): words -> probability or weight."""
    data = path.read_bytes()
    if not data.startswith(NAME) or data[len(NAME)] != 3:
        raise ValueError(f"{path} is not a trie of trigrams")
    counts = struct.unpack_from("<3I", data, len(NAME) + 1)
    place = len(NAME) + 1 + 4 * 3 + 4
    tables = np.frombuffer(data, "<f4", 3 * LEVELS, place).reshape(3, LEVELS) * TO_NATURAL
    place += tables.size * 4
    unigrams = np.frombuffer(data, [("value", "<f4"), ("weight", "<f4"), ("first", "<u4")], counts[0] + 1, place)
    place += unigrams.nbytes
    word_bits = bits_for(counts[0])
    pairs = Packed(data, place, counts[1] + 1, [word_bits, 16, 16, bits_for(counts[2])])
    # The width of the array is that of its entries and one more, which ends the last one's children.
    pair_bytes = ((1 + counts[1]) * pairs.bits.shape[1] + 7) // 8 + SLACK
    triples = Packed(data, place + pair_bytes, counts[2], [word_bits, 16])
    words = [word.decode("latin1") for word in data[place + pair_bytes + triples.bytes + 4 :].split(b"\0")[: counts[0]]]

    values, weights = np.exp(unigrams["value"][:-1] * TO_NATURAL), np.exp(unigrams["weight"][:-1] * TO_NATURAL)
    # A few pairs fewer are filled in than the head says.
    filled = int(unigrams["first"][-1])
    last = children(unigrams["first"])
    middle = pairs.field(0)[:filled]
    pair_values = np.exp(tables[0][pairs.field(2)[:filled]])
    pair_weights = np.exp(tables[1][pairs.field(1)[:filled]])
    pair = children(pairs.field(3)[: filled + 1])
    first, triple_values = triples.field(0)[: len(pair)], np.exp(tables[2][triples.field(1)[: len(pair)]])

    grams = [None, {}, {}, {}]
    backoffs = [None, None, {}, {}]
    for word, value, weight in zip(words, values.tolist(), weights.tolist()):
        grams[1][(word,)], backoffs[2][(word,)] = value, weight
    for one, two, value, weight in zip(middle.tolist(), last.tolist(), pair_values.tolist(), pair_weights.tolist()):
        grams[2][(words[one], words[two])], backoffs[3][(words[one], words[two])] = value, weight
    for zero, at, value in zip(first.tolist(), pair.tolist(), triple_values.tolist()):
        grams[3][(words[zero], words[middle[at]], words[last[at]])] = value
    return grams, backoffs
