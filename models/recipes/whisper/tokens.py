"""openai-whisper's vocabulary as a tokenizer.json, and the languages of a model."""

from functools import lru_cache

from whisper.tokenizer import LANGUAGES, get_tokenizer

# Where Parlance has another name for the language.
NAMES = {"tl": "Filipino"}


def tokenizer_of(model, language=None, task="transcribe"):
    return get_tokenizer(model.is_multilingual, num_languages=model.num_languages, language=language or "en", task=task)


def language_names(model):
    if not model.is_multilingual:
        return ["English"]
    return [NAMES.get(code, name.title()) for code, name in list(LANGUAGES.items())[: model.num_languages]]


def byte_letters():
    """GPT-2's printable letter for every byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters, extra = {byte: chr(byte) for byte in plain}, 256
    for byte in range(256):
        if byte not in letters:
            letters[byte] = chr(extra)
            extra += 1
    return letters


@lru_cache
def vocabulary(multilingual):
    """Words by id, and the merges in order of rank, written in GPT-2's letters."""
    ranks = get_tokenizer(multilingual).encoding._mergeable_ranks
    letters = byte_letters()

    def written(token):
        return "".join(letters[byte] for byte in token)

    def halves(token, rank):
        parts = [bytes([byte]) for byte in token]
        while len(parts) > 2:
            found = [(ranks.get(a + b, rank), place) for place, (a, b) in enumerate(zip(parts, parts[1:]))]
            best, place = min(found)
            if best >= rank:
                return None
            parts[place : place + 2] = [parts[place] + parts[place + 1]]
        return parts if len(parts) == 2 else None

    words = [""] * len(ranks)
    merges = []
    for token, rank in sorted(ranks.items(), key=lambda item: item[1]):
        words[rank] = written(token)
        pair = halves(token, rank)
        if pair is not None:
            merges.append(f"{written(pair[0])} {written(pair[1])}")
    return words, merges


def tokenizer_json(model):
    tokens = tokenizer_of(model)
    words, merges = vocabulary(model.is_multilingual)
    specials = sorted(tokens.special_tokens.items(), key=lambda item: item[1])
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": id, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": id < tokens.timestamp_begin}
            for token, id in specials
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False,
            "byte_fallback": False, "ignore_merges": False, "vocab": {word: id for id, word in enumerate(words)}, "merges": merges,
        },
    }  # fmt: skip
