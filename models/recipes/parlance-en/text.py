"""What the synthesised voices say: a sorted, seeded list of English prompts.

A prompt is a line as a text-to-speech engine should see it ("Well, I think so."); its transcript is what the model
should write ("well i think so"). Prompts come from prose of freely licensed Debian packages, from hand-written
everyday templates, from numbers, times, names and spellings, and from random word strings, which keep the acoustic
model from leaning on the language. No prompt contains a sentence of the test lists under test/.
"""

import argparse
import glob
import gzip
import html
import random
import re
import subprocess
import zlib
from pathlib import Path

from templates import everyday, names, numbers, short

HERE = Path(__file__).parent
WORD_LIST = "/usr/share/dict/american-english"
CMU_DICTIONARY = "/usr/share/festival/dicts/cmu/cmudict-0.4.out"
DOCUMENTS = [
    "/usr/share/doc/python3.11/html/_sources/**/*.rst.txt",
    "/usr/share/doc/postgresql-doc-15/html/*.html",
    "/usr/share/doc/apache2-doc/manual/en/**/*.html",
]
# The last prompts of the list are for tuning the decoder: no training voice speaks them, no language model counts them.
DEVELOPMENT_PROMPTS = 240
# Two-letter entries of word lists are mostly abbreviations, which engines spell out.
TWO_LETTER_WORDS = set(
    "ah am an as at be by do ed go ha he hi if in is it jo me my no of oh ok on or ox so to uh um up us we ye al bo".split()
)


def transcript(prompt):
    """Lower-case words of a prompt, separated by single spaces; only a-z and the apostrophe remain."""
    return " ".join(re.sub(r"[^a-z' ]", " ", prompt.lower().replace("\u2019", "'")).split())


def vocabulary():
    """Words that a prompt may contain: those of the word list or of the CMU dictionary that engines read as words."""
    words = set()
    for line in open(WORD_LIST, encoding="utf8"):
        words.add(line.strip().lower())
    for line in open(CMU_DICTIONARY, encoding="latin1"):
        match = re.match(r'^\("([a-z\']+)"', line)
        if match:
            words.add(match.group(1))

    def spoken(word):
        if not re.fullmatch(r"[a-z]+('[a-z]+)?", word):
            return False
        if len(word) == 1:
            return word in "ai"
        if len(word) == 2:
            return word in TWO_LETTER_WORDS
        return re.search("[aeiouy]", word) is not None

    return {word for word in words if spoken(word)}


def wordnet_glosses():
    """Definitions and example sentences of WordNet (its own permissive licence)."""
    for part in ("noun", "verb", "adj", "adv"):
        for line in open(f"/usr/share/wordnet/data.{part}", encoding="latin1"):
            if " | " in line:
                gloss = line.split(" | ", 1)[1]
                yield from re.findall(r'"([^"]+)"', gloss)
                yield from re.sub(r'"[^"]*"', ";", gloss).split(";")


def king_james_bible():
    """Verses of the King James Bible (public domain), printed by the `bible` program."""
    printed = subprocess.run(["bible", "-f", "gen1:1-rev22:21"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    for line in printed.stdout.splitlines():
        yield from re.split(r"(?<=[.:;?!])\s+", re.sub(r"^\S+\s+", "", line))


def documentation():
    """Sentences of permissively licensed manuals (Python, PostgreSQL, Apache)."""
    for path in sorted(path for pattern in DOCUMENTS for path in glob.glob(pattern, recursive=True)):
        opened = gzip.open if path.endswith(".gz") else open
        page = opened(path, "rt", encoding="utf8", errors="ignore").read()
        if path.endswith(".html"):
            page = re.sub(r"<pre.*?</pre>|<code.*?</code>|<script.*?</script>", " @ ", page, flags=re.S)
            page = html.unescape(re.sub(r"<[^>]+>", " ", page))
        yield from re.split(r"(?<=[.?!:;])\s+|\n\s*\n|[@()]", page)


def public_domain_books():
    """Sentences of the Jargon File and the Devil's Dictionary (public domain), for the language model only."""
    for name in ("jargon", "devil"):
        with gzip.open(f"/usr/share/dictd/{name}.dict.dz", "rt", encoding="utf8", errors="ignore") as book:
            page = re.sub(r"[{}\u2018\u201c\u201d]", "", book.read())
        yield from re.split(r"(?<=[.?!:;])\s+|\n\s*\n|[@()\[\]]", page)


def prose(words):
    """{transcript: (source, prompt)} of 3 to 32 words, all of them in `words`, from the prose sources."""
    found = {}
    for source in (wordnet_glosses, king_james_bible, documentation, public_domain_books):
        for sentence in source():
            sentence = re.sub(r"\s+", " ", sentence).strip(" .:;\"*-`").replace("-", " ").replace("\u2019", "'")
            if not re.fullmatch(r"[A-Za-z][A-Za-z',;: ]*[?!]?", sentence):
                continue
            said = transcript(sentence)
            spoken = said.split()
            if 3 <= len(spoken) <= 32 and all(word in words for word in spoken):
                found.setdefault(said, (source.__name__, sentence))
    return found


def random_words(count, rng, words):
    """`count` strings of unrelated words, half of them joined by function words."""
    content = sorted(word for word in words if 3 <= len(word) <= 12 and "'" not in word)
    glue = "the a of and to in with for is was on by from that this his her my our their very not or as at".split()
    for _ in range(count):
        line = []
        for _ in range(rng.randint(1, 7)):
            if rng.random() < 0.5:
                line.append(rng.choice(glue))
            line.append(rng.choice(content))
        yield " ".join(line)


class HeldOut:
    """The committed test sentences, and whether a transcript repeats one of them."""

    def __init__(self, folder=HERE / "test"):
        self.whole, self.inside = set(), []
        for path in sorted(folder.glob("*.txt")):
            for line in path.read_text().splitlines():
                said = transcript(line)
                if said:
                    self.whole.add(said)
                    if len(said.split()) >= 6:
                        self.inside.append(f" {said} ")
        # A long test sentence is looked for inside prompts through its rarest place: its first four words.
        self.starts = {}
        for said in self.inside:
            self.starts.setdefault(" ".join(said.split()[:4]), []).append(said)

    def __contains__(self, said):
        if said in self.whole:
            return True
        words = said.split()
        for i in range(len(words) - 5):
            for held in self.starts.get(" ".join(words[i : i + 4]), ()):
                if held in f" {said} ":
                    return True
        return False


def prompts(seed, per_kind):
    """List of (kind, prompt), the same for the same seed and packages, shuffled, without any held-out sentence."""
    words, held = vocabulary(), HeldOut()
    by_transcript = {}

    def keep(kind, prompt):
        said = transcript(prompt)
        if said and said not in held:
            by_transcript.setdefault(said, (kind, prompt))

    found = prose(words)
    # The same order on every machine, unrelated to the order of the sources.
    order = sorted(found, key=lambda said: (zlib.crc32(f"{seed} {said}".encode()), said))
    quota = {"wordnet_glosses": 0.55, "king_james_bible": 0.08, "documentation": 0.37}
    left = {name: int(share * per_kind["prose"]) for name, share in quota.items()}
    for said in order:
        source, prompt = found[said]
        if left.get(source, 0) > 0:
            left[source] -= 1
            keep("prose", prompt)
    for kind, make in (("everyday", everyday), ("numbers", numbers), ("names", names), ("short", short)):
        rng = random.Random(zlib.crc32(f"{seed} {kind}".encode()))
        for _ in range(per_kind[kind]):
            keep(kind, make(rng))
    rng = random.Random(zlib.crc32(f"{seed} words".encode()))
    for prompt in random_words(per_kind["words"], rng, words):
        keep("words", prompt)
    listed = sorted(by_transcript.values())
    random.Random(seed).shuffle(listed)
    return listed


def choose_test_sentences(seed=7):
    """Writes the generated test lists (prose, numbers, names, words); everyday.txt and the phrases are written by hand."""
    words = vocabulary()
    found = prose(words)
    order = sorted(found, key=lambda said: (zlib.crc32(f"test {seed} {said}".encode()), said))
    long_enough = [said for said in order if 6 <= len(said.split()) <= 20 and found[said][0] != "king_james_bible"]
    lists = {"prose": [found[said][1] for said in long_enough[:150]]}
    for kind, make, count in (("numbers", numbers, 60), ("names", names, 40)):
        rng = random.Random(zlib.crc32(f"test {seed} {kind}".encode()))
        lists[kind] = sorted({make(rng) for _ in range(count)})
    rng = random.Random(zlib.crc32(f"test {seed} words".encode()))
    lists["words"] = [line for line in random_words(120, rng, words) if len(line.split()) >= 4][:60]
    for kind, lines in lists.items():
        (HERE / "test" / f"{kind}.txt").write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path, help="file to write: one 'kind<TAB>prompt' a line")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the list; 1 is about 240 000 prompts")
    parser.add_argument("--choose-test", action="store_true", help="write the generated lists under test/ instead")
    options = parser.parse_args()
    if options.choose_test:
        choose_test_sentences()
        return
    per_kind = {"prose": 110_000, "everyday": 70_000, "numbers": 24_000, "names": 14_000, "short": 8_000, "words": 24_000}
    listed = prompts(options.seed, {kind: int(count * options.scale) for kind, count in per_kind.items()})
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("".join(f"{kind}\t{prompt}\n" for kind, prompt in listed))
    print(f"{len(listed)} prompts, {len({w for _, p in listed for w in transcript(p).split()})} words -> {options.out}")


if __name__ == "__main__":
    main()
