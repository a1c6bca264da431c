"""The shipped lexicon: ordinary words and names with the phones that the teacher says.

The words are those of festlex-cmu and of the English word list; the phones are what flite's dictionary and its rules give
(both come from the CMU dictionary), so the student is asked for what its teacher was heard to say.
"""

import argparse
import gzip
import re
from pathlib import Path

from symbols import SYMBOL_IDS
from teacher import VOWELS, Teacher

CMU_DICTIONARY = "/usr/share/festival/dicts/cmu/cmudict-0.4.out"
WORD_LIST = "/usr/share/dict/american-english"

# Neither dictionary has contractions, and flite misreads some ("haven't").
CONTRACTIONS = {
    "ain't": "ey1 n t", "aren't": "aa1 r n t", "can't": "k ae1 n t", "couldn't": "k uh1 d ah0 n t", "didn't": "d ih1 d ah0 n t",
    "doesn't": "d ah1 z ah0 n t", "don't": "d ow1 n t", "hadn't": "hh ae1 d ah0 n t", "hasn't": "hh ae1 z ah0 n t",
    "haven't": "hh ae1 v ah0 n t", "isn't": "ih1 z ah0 n t", "mightn't": "m ay1 t ah0 n t", "mustn't": "m ah1 s ah0 n t",
    "needn't": "n iy1 d ah0 n t", "shouldn't": "sh uh1 d ah0 n t", "wasn't": "w aa1 z ah0 n t", "weren't": "w er1 ah0 n t",
    "won't": "w ow1 n t", "wouldn't": "w uh1 d ah0 n t", "i'm": "ay1 m", "i've": "ay1 v", "i'll": "ay1 l", "i'd": "ay1 d",
    "you're": "y uh1 r", "you've": "y uw1 v", "you'll": "y uw1 l", "you'd": "y uw1 d", "we're": "w ih1 r", "we've": "w iy1 v",
    "we'll": "w iy1 l", "we'd": "w iy1 d", "they're": "dh eh1 r", "they've": "dh ey1 v", "they'll": "dh ey1 l",
    "they'd": "dh ey1 d", "he'll": "hh iy1 l", "he'd": "hh iy1 d", "she'll": "sh iy1 l", "she'd": "sh iy1 d",
    "it'll": "ih1 t ah0 l", "it'd": "ih1 t ah0 d", "that'll": "dh ae1 t ah0 l", "there'll": "dh eh1 r ah0 l",
    "who'll": "hh uw1 l", "who'd": "hh uw1 d", "who've": "hh uw1 v", "what'll": "w ah1 t ah0 l", "let's": "l eh1 t s",
    "could've": "k uh1 d ah0 v", "should've": "sh uh1 d ah0 v", "would've": "w uh1 d ah0 v", "might've": "m ay1 t ah0 v",
    "must've": "m ah1 s t ah0 v", "o'clock": "ah0 k l aa1 k", "ma'am": "m ae1 m", "y'all": "y ao1 l", "ol'": "ow1 l",
}  # fmt: skip


def dictionary():
    """Word to its pronunciations in festlex-cmu, the first one first."""
    entries = {}
    for line in open(CMU_DICTIONARY, encoding="latin1"):
        match = re.match(r'^\("([a-z\']+)"\s+\S+\s+\((.*)\)\)\s*$', line)
        if not match:
            continue
        phones = []
        for syllable, stress in re.findall(r"\(\(([a-z ]+)\) (\d)\)", match.group(2)):
            for phone in syllable.split():
                name = "ah" if phone == "ax" else phone
                phones.append(name + stress if name in VOWELS else name)
        if phones and all(phone in SYMBOL_IDS for phone in phones):
            known = entries.setdefault(match.group(1), [])
            if phones not in known:
                known.append(phones)
    return entries


def build():
    """{word: phones} as the teacher says them, sorted by word."""
    teacher = Teacher()
    entries = dictionary()
    listed = {line.strip().lower() for line in open(WORD_LIST, encoding="utf8")}
    # Possessives are left to the text front end: it derives them from their stem. flite's rules are for words; what has
    # no vowel is spelt out.
    plain = {word for word in {*entries, *listed} if re.fullmatch("[a-z]+", word)}
    words = {word for word in plain if word in entries or re.search("[aeiouy]", word)}
    said = {word: teacher.pronounce(word) for word in words}
    said |= {word: phones.split() for word, phones in CONTRACTIONS.items()}
    return {word: said[word] for word in sorted(said) if said[word] and all(phone in SYMBOL_IDS for phone in said[word])}


def words_of(path):
    """The words of a shipped lexicon that are plain letters."""
    with gzip.open(path, "rt", encoding="utf8") as lines:
        return [word for word in (line.split(" ", 1)[0] for line in lines) if word.isalpha()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="lexicon.txt.gz to write")
    options = parser.parse_args()
    entries = build()
    data = "".join(f"{word} {' '.join(phones)}\n" for word, phones in entries.items()).encode()
    # No time in the header: the same words give the same bytes.
    options.out.write_bytes(gzip.compress(data, 9, mtime=0))
    known = dictionary()
    same = sum(phones in known.get(word, []) for word, phones in entries.items())
    print(f"{len(entries)} words, {same} as in festlex-cmu, {options.out.stat().st_size / 1e6:.2f} MB -> {options.out}")


if __name__ == "__main__":
    main()
