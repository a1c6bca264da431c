"""Words to phones: the pronunciation lexicon of the model and of its training targets.

Phones are the 39 of the CMU dictionary, lower case, without stress (festival's reduced vowel `ax` is `ah`). Words of
the dictionary come from festlex-cmu (permissive); a word of the training text that it lacks is pronounced by flite's
letter-to-sound rules, as the voices themselves do.
"""

import argparse
import gzip
import json
import os
import re
import subprocess
import tempfile
from multiprocessing import Pool
from pathlib import Path

import general_model
from text import CMU_DICTIONARY, WORD_LIST, transcript, vocabulary

PHONES = (
    "aa ae ah ao aw ay b ch d dh eh er ey f g hh ih iy jh k l m n ng ow oy p r s sh t th uh uw v w y z zh"
).split()
SEPARATOR = "|"
# ids are positions; 0 is the CTC blank.
PHONE_SYMBOLS = ["", SEPARATOR, *PHONES]
CHARACTER_SYMBOLS = ["", " ", *"abcdefghijklmnopqrstuvwxyz", "'"]
PHONE_IDS = {phone: i for i, phone in enumerate(PHONE_SYMBOLS)}
CHARACTER_IDS = {character: i for i, character in enumerate(CHARACTER_SYMBOLS)}

# Reduced forms that voices use and the dictionary lacks.
ALTERNATIVES = {
    "a": ["ah", "ey"], "the": ["dh ah", "dh iy"], "to": ["t uw", "t ah"], "and": ["ae n d", "ah n d", "ah n"],
    "of": ["ah v"], "for": ["f ao r", "f er"], "or": ["ao r", "er"], "an": ["ae n", "ah n"], "at": ["ae t", "ah t"],
    "that": ["dh ae t", "dh ah t"], "than": ["dh ae n", "dh ah n"], "can": ["k ae n", "k ah n"], "as": ["ae z", "ah z"],
    "your": ["y ao r", "y uh r", "y er"], "our": ["aw er", "aa r"], "was": ["w aa z", "w ah z"], "from": ["f r ah m"],
    "them": ["dh eh m", "dh ah m"], "us": ["ah s"], "you": ["y uw", "y ah"], "are": ["aa r", "er"],
    "haven't": ["hh ae v ah n t"], "hasn't": ["hh ae z ah n t"], "hadn't": ["hh ae d ah n t"],
    "isn't": ["ih z ah n t"], "wasn't": ["w aa z ah n t", "w ah z ah n t"], "aren't": ["aa r n t", "aa r ah n t"],
    "weren't": ["w er n t", "w er ah n t"], "didn't": ["d ih d ah n t"], "doesn't": ["d ah z ah n t"],
    "couldn't": ["k uh d ah n t"], "wouldn't": ["w uh d ah n t"], "shouldn't": ["sh uh d ah n t"],
    "won't": ["w ow n t"], "can't": ["k ae n t"], "i'm": ["ay m"], "i've": ["ay v"], "i'll": ["ay l"], "i'd": ["ay d"],
    "you're": ["y uh r", "y ao r", "y er"], "you've": ["y uw v"], "you'll": ["y uw l"], "you'd": ["y uw d"],
    "we're": ["w iy r", "w ih r"], "we've": ["w iy v"], "we'll": ["w iy l"], "we'd": ["w iy d"],
    "they're": ["dh eh r"], "they've": ["dh ey v"], "they'll": ["dh ey l"], "they'd": ["dh ey d"],
    "he'd": ["hh iy d"], "he'll": ["hh iy l"], "she'd": ["sh iy d"], "she'll": ["sh iy l"], "where's": ["w eh r z"], "how's": ["hh aw z"],
    "there'd": ["dh eh r d"], "there'll": ["dh eh r ah l"], "who'd": ["hh uw d"], "who'll": ["hh uw l"], "why's": ["w ay z"],
    "could've": ["k uh d ah v"], "should've": ["sh uh d ah v"], "would've": ["w uh d ah v"], "might've": ["m ay t ah v"],
    "ain't": ["ey n t"], "y'all": ["y ao l"], "ma'am": ["m ae m"],
    "it'll": ["ih t ah l"], "let's": ["l eh t s"], "o'clock": ["ah k l aa k"], "euros": ["y uh r ow z", "y uw r ow z"], "missus": ["m ih s ih z"],
}  # fmt: skip

# Spelled words and acronyms come back letter by letter; "a" and "i" are words already.
LETTERS = {
    "a": "ey", "b": "b iy", "c": "s iy", "d": "d iy", "e": "iy", "f": "eh f", "g": "jh iy", "h": "ey ch", "j": "jh ey", "k": "k ey",
    "l": "eh l", "m": "eh m", "n": "eh n", "o": "ow", "p": "p iy", "q": "k y uw", "r": "aa r", "s": "eh s", "t": "t iy", "u": "y uw",
    "v": "v iy", "w": "d ah b ah l y uw", "x": "eh k s", "y": "w ay", "z": "z iy",
}  # fmt: skip
# The most frequent words of general English: those of them in the dictionary are in the model's lexicon.
FREQUENT_WORDS = 30_000


def normal(phone):
    return "ah" if phone in ("ax", "ah") else phone


def cmu_dictionary():
    """Word to list of pronunciations (tuples of phones) from festlex-cmu."""
    entries = {}
    for line in open(CMU_DICTIONARY, encoding="latin1"):
        match = re.match(r'^\("([a-z\']+)"\s+\S+\s+(.*)\)\s*$', line)
        if not match:
            continue
        phones = tuple(normal(phone) for phone in re.findall(r"[a-z]+", match.group(2)) if phone != "nil")
        if phones and all(phone in PHONE_IDS for phone in phones):
            known = entries.setdefault(match.group(1), [])
            if phones not in known:
                known.append(phones)
    for word, spoken in ALTERNATIVES.items():
        known = entries.setdefault(word, [])
        known += [tuple(form.split()) for form in spoken if tuple(form.split()) not in known]
    return entries


def letter_to_sound(words):
    """Pronunciations of words by flite's rules. A blank line ends an utterance, so flite prints one line a word."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("".join(f"{word}\n\n" for word in words))
        listed.flush()
        command = ["flite", "-voice", "kal", "-ps", "-f", listed.name, "-o", "none"]
        lines = subprocess.run(command, capture_output=True, text=True).stdout.strip().splitlines()
    if len(lines) != len(words):
        half = len(words) // 2
        return {} if half == 0 else letter_to_sound(words[:half]) | letter_to_sound(words[half:])
    said = {}
    for word, line in zip(words, lines):
        phones = tuple(normal(phone) for phone in line.split() if phone != "pau")
        if phones and all(phone in PHONE_IDS for phone in phones):
            said[word] = [phones]
    return said


def build(words, workers):
    """Lexicon of `words`: {word: [pronunciations]} and the set of words that came from letter-to-sound rules."""
    dictionary = cmu_dictionary()
    lexicon = {word: dictionary[word] for word in words if word in dictionary}
    missing = sorted(word for word in words if word not in dictionary)
    # Possessives and plurals with an apostrophe follow their stem.
    for word in missing:
        stem = re.sub(r"'s$|'$", "", word)
        if stem != word and stem in dictionary and word.endswith("'s"):
            lexicon[word] = [stem_phones + ending(stem_phones[-1]) for stem_phones in dictionary[stem]]
    missing = [word for word in missing if word not in lexicon]
    by_rule = set(missing)
    with Pool(workers) as pool:
        for said in pool.imap(letter_to_sound, [missing[i : i + 200] for i in range(0, len(missing), 200)]):
            lexicon.update(said)
    return lexicon, by_rule


def ending(last):
    """The sound of 's after a phone."""
    if last in ("s", "z", "sh", "zh", "ch", "jh"):
        return ("ih", "z")
    return ("s",) if last in ("p", "t", "k", "f", "th") else ("z",)


def phones_of(text, lexicon):
    """Ids of the phones of a transcript with the separator between words; None if a word is unknown."""
    ids = []
    for word in text.split():
        if word not in lexicon:
            return None
        if ids:
            ids.append(PHONE_IDS[SEPARATOR])
        ids += [PHONE_IDS[phone] for phone in lexicon[word][0]]
    return ids


def characters_of(text):
    return [CHARACTER_IDS[character] for character in text]


def load(path):
    """{word: [pronunciations]} from lines of `word phone phone ...`, gzipped or not."""
    opened = gzip.open if str(path).endswith(".gz") else open
    lexicon = {}
    with opened(path, "rt", encoding="utf8") as lines:
        for line in lines:
            word, *phones = line.split()
            lexicon.setdefault(word, []).append(tuple(phones))
    return lexicon


def write(path, lexicon):
    """Sorted `word phone phone ...` lines; the gzip header carries no time, so the same words give the same bytes."""
    lines = [f"{word} {' '.join(phones)}\n" for word in sorted(lexicon) for phones in lexicon[word]]
    data = "".join(lines).encode()
    Path(path).write_bytes(gzip.compress(data, 9, mtime=0) if str(path).endswith(".gz") else data)


def frequent_words():
    """The likeliest FREQUENT_WORDS of the general trigram that look like words."""
    unigrams = general_model.read()[0][1]
    ranked = sorted(unigrams, key=unigrams.get, reverse=True)[:FREQUENT_WORDS]
    return {word for (word,) in ranked if re.fullmatch("[a-z']*[aeiouy][a-z']*", word) and len(word) > 1}


def coverage(lexicon):
    """Share of the running words of general English that are in a lexicon, by the general trigram's word frequencies."""
    known = total = 0.0
    for (word,), share in general_model.read()[0][1].items():
        if not word.startswith("<"):
            total += share
            known += share * all(part in lexicon for part in transcript(word).split())
    return known / total


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prompts", type=Path)
    parser.add_argument("out", type=Path, help="lexicon of the training text (plain text)")
    parser.add_argument("--ship", type=Path, help="also write the model's lexicon (.txt.gz): the same and common dictionary words")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    words = {word for line in options.prompts.read_text().splitlines() for word in transcript(line.split("\t")[1]).split()}
    lexicon, by_rule = build(words, options.workers)
    write(options.out, lexicon)
    options.out.with_suffix(".rules.json").write_text(json.dumps(sorted(by_rule)))
    if options.ship:
        dictionary, listed = cmu_dictionary(), vocabulary()
        common = {line.strip().lower() for line in open(WORD_LIST, encoding="utf8")} & listed
        common |= set(ALTERNATIVES) | frequent_words()
        letters = {letter: [tuple(phones.split())] for letter, phones in LETTERS.items() if letter not in lexicon}
        write(options.ship, lexicon | {word: dictionary[word] for word in common if word in dictionary} | letters)
        print(f"the model's lexicon covers {100 * coverage(load(options.ship)):.2f} % of the running words of general English")
    print(f"{len(lexicon)} words, {len(by_rule)} by letter-to-sound rules -> {options.out}")


if __name__ == "__main__":
    main()
