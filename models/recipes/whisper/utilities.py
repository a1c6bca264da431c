"""What openai-whisper's own functions answer on generated cases: timestamp rules, beam search, warping, median, words,
punctuation, repaired times, compression, second attempts. Numbers come from the hash of random_weights.py, so that a case
is a seed; what a case holds beyond its seed is stored with it.

    python utilities.py ../../../shared/asr/src/whisper/fixtures
"""

import argparse
import gzip
import importlib
import json
import random
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
import whisper.timing as timing
from whisper.decoding import ApplyTimestampRules, BeamSearchDecoder, DecodingResult, MaximumLikelihoodRanker, SuppressTokens
from whisper.tokenizer import LANGUAGES, get_tokenizer

from random_weights import hashed

# The package has a function of the module's name.
transcribing = importlib.import_module("whisper.transcribe")

CASES = 1000
# A vocabulary of 40 words, 8 control tokens and 50 timestamps.
WORDS, NO_TIMESTAMPS, FIRST, SIZE = 40, 47, 48, 98
TEXTS = [
    "Hello, world! It's 3 o'clock – isn't it?", "Grüße aus Köln; naïve café (sic).", "東京は今日も雨です。", "Привет, как дела?", "你好，世界！今天怎么样？",
    "สวัสดีครับ", "مرحبا بالعالم", "नमस्ते दुनिया", "안녕하세요 여러분", "She said: \"No... never!\" and left.", "e-mail: a.b@c.de, 10% of $5.50", "👍🏽 ok 🇫🇷",
]  # fmt: skip


def timestamp_rules(rng):
    """[seed, said, suppressed, ids, log-probabilities]: the likeliest six."""
    cases = []
    tokenizer = SimpleNamespace(eot=WORDS, no_timestamps=NO_TIMESTAMPS, timestamp_begin=FIRST)
    for seed in range(CASES + 200):
        said = []
        for _ in range(rng.choice([0, 0, 1, 2, 3, 5, 8])):
            late = [token for token in said if token >= FIRST]
            said.append(rng.randrange(late[-1] if late else FIRST, SIZE) if rng.random() < 0.5 else rng.randrange(WORDS))
        suppressed = sorted(rng.sample(range(WORDS), 3)) + [WORDS + 1, WORDS + 2]
        scale = float(rng.choice([1, 4]))
        logits = torch.from_numpy(scale * (2 * hashed(seed, SIZE) - 1)).float()[None]
        if not said:
            logits[:, [3, WORDS]] = -np.inf
        tokens = torch.tensor([[WORDS + 1, *said]])
        SuppressTokens(suppressed).apply(logits, tokens)
        ApplyTimestampRules(tokenizer, 1, 10).apply(logits, tokens)
        values, ids = torch.log_softmax(logits[0], -1).topk(6)
        kept = [(int(id), round(float(value), 4)) for id, value in zip(ids, values) if value > -np.inf]
        cases.append([seed, scale, said, suppressed, [id for id, _ in kept], [value for _, value in kept]])
    return cases


def prefix_seed(seed, tokens):
    for token in tokens:
        seed = (seed * 31 + token + 1) % 1_000_003
    return seed


def beam_searches(rng):
    """[seed, beams, budget, tokens, sum of log-probabilities] on 12 words and an end, the scores a hash of what was said."""
    cases = []
    for seed in range(CASES):
        beams, budget, end = rng.choice([2, 3, 5]), rng.choice([3, 6, 9]), 12
        decoder = BeamSearchDecoder(beams, end, SimpleNamespace(rearrange_kv_cache=lambda _: None))
        tokens, sums = torch.zeros((beams, 1), dtype=torch.long), torch.zeros(beams)
        for step in range(budget):
            logits = torch.stack([torch.from_numpy(4 * hashed(prefix_seed(seed, row[1:].tolist()), 13)).float() for row in tokens])
            if step == 0:
                logits[:, end] = -np.inf
            tokens, completed = decoder.update(tokens, logits, sums)
            if completed:
                break
        found, totals = decoder.finalize(tokens[None], sums[None])
        found = [[text[1 : (text == end).nonzero()[0, 0]] for text in texts] for texts in found]
        best = MaximumLikelihoodRanker(None).rank(found, totals)[0]
        cases.append([seed, beams, budget, found[0][best].tolist(), round(totals[0][best], 4)])
    return cases


def warpings(rng):
    """[seed, rows, columns, levels, way]: costs rounded to a few levels, so that some are equal; the way's steps."""
    cases = []
    for seed in range(CASES):
        rows, columns, levels = rng.randint(1, 12), rng.randint(1, 24), rng.choice([3, 8, 1_000_000])
        costs = np.floor(hashed(seed, rows * columns) * levels).reshape(rows, columns) - levels / 2
        way = timing.dtw_cpu(costs)
        cases.append([seed, rows, columns, levels, way[0].tolist(), way[1].tolist()])
    return cases


def medians(rng):
    cases = []
    for seed in range(CASES):
        length = rng.choice([1, 2, 3, 4, 5, 7, 8, 20, 33])
        row = torch.from_numpy(np.floor(hashed(seed, length) * 20)).float()
        filtered = timing.median_filter(row[None, None], 7)[0, 0]
        cases.append([seed, length, filtered.int().tolist()])
    return cases


def token_words(rng):
    """[language, tokens, words]"""
    tokenizers = {code: get_tokenizer(True, language=code) for code in ("en", "de", "ja", "zh", "th", "ru")}
    cases = []
    while len(cases) < CASES:
        code = rng.choice(list(tokenizers))
        tokenizer = tokenizers[code]
        tokens = tokenizer.encode(rng.choice(TEXTS)) if rng.random() < 0.5 else [rng.randrange(50256) for _ in range(rng.randint(1, 9))]
        start = rng.randrange(len(tokens))
        tokens = tokens[start : start + 14] + [tokenizer.eot]
        try:
            words, parts = tokenizer.split_to_word_tokens(tokens)
        except IndexError:
            continue  # openai-whisper gives up on some broken bytes
        cases.append([code, tokens, words, [len(part) for part in parts]])
    return cases


def encodings(rng):
    """[text, tokens]"""
    tokenizer = get_tokenizer(True, language="en")
    cases = []
    for _ in range(CASES):
        text = " ".join(rng.choice(TEXTS) for _ in range(2)) if rng.random() < 0.3 else tokenizer.decode([rng.randrange(50256) for _ in range(6)])
        text = text[rng.randrange(6) :].replace("\ufffd", "")
        cases.append([text, tokenizer.encode(text)])
    return cases


def random_words(rng, count):
    marks = ["\"", "'", "“", "¿", "(", "[", " (", " \"", " -", ".", "。", ",", "!", "?", ":", "”", ")", "]", "、", " ¿", " .", "..."]
    return [rng.choice(marks) if rng.random() < 0.45 else rng.choice([" ", ""]) + rng.choice(["one", "two", "drei", "四", " ", "a"]) for _ in range(count)]


def punctuations(rng):
    cases = []
    for _ in range(CASES):
        words = random_words(rng, rng.randint(1, 8))
        merged = [timing.WordTiming(word, [place], 0, 0, 0) for place, word in enumerate(words)]
        timing.merge_punctuations(merged, "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、")
        cases.append([words, [word.word for word in merged], [word.tokens for word in merged]])
    return cases


def repaired_times(rng):
    """[words, tokens of each, begins, segments, answer, the segments' times then]"""
    cases = []
    tokenizer = SimpleNamespace(eot=1000)
    for _ in range(CASES):
        words = random_words(rng, rng.randint(1, 9))
        lengths = [rng.randint(1, 3) for _ in words]
        at, begins = rng.randrange(100), []
        for _ in range(len(words) + 1):
            begins.append(at)
            at += rng.choice([0, 1, 5, 10, 20, 30, 100, 250])
        numbers = iter(range(sum(lengths)))
        parts = [[next(numbers) for _ in range(length)] for length in lengths]
        cut = rng.randint(0, sum(lengths))
        pieces = [list(range(cut)), list(range(cut, sum(lengths)))]
        limits = sorted(rng.randrange(0, 1500) for _ in range(4))
        segments = [{"seek": 0, "start": limits[2 * n] * 0.02, "end": limits[2 * n + 1] * 0.02, "tokens": piece} for n, piece in enumerate(pieces)]
        given = [[segment["start"], segment["end"], len(segment["tokens"])] for segment in segments]
        timing.find_alignment = lambda *_: [
            timing.WordTiming(word, list(part), begins[n] / 50, begins[n + 1] / 50, 1.0) for n, (word, part) in enumerate(zip(words, parts))
        ]
        timing.add_word_timestamps(segments=segments, model=None, tokenizer=tokenizer, mel=None, num_frames=0, last_speech_timestamp=0.0)
        answer = [[word["word"], float(word["start"]), float(word["end"])] for segment in segments for word in segment["words"]]
        cases.append([words, lengths, begins, given, answer, [[float(segment["start"]), float(segment["end"])] for segment in segments]])
    return cases


def compressions(rng):
    """[text, deflated bytes]"""
    cases = []
    for _ in range(CASES):
        part = rng.choice(TEXTS)[: rng.randint(1, 40)]
        text = (part * rng.randint(1, 30))[: rng.randint(1, 300)]
        if rng.random() < 0.4:
            text = "".join(rng.choice("etaoin shrdlu") for _ in range(rng.randint(1, 200)))
        cases.append([text, len(zlib.compress(text.encode()))])
    return cases


def attempts(rng):
    """[answers by temperature as compression, log-probability, silence; how many were asked for; whether it was taken for silence]"""
    transcribing.log_mel_spectrogram = lambda audio, mels, padding: torch.zeros(80, 3100)
    cases = []
    dims = SimpleNamespace(n_mels=80, n_audio_ctx=1500, n_text_ctx=448)
    for _ in range(CASES):
        answers = [[rng.choice([1.0, 2.39, 2.4, 2.41, 3.0]), rng.choice([-0.5, -0.99, -1.0, -1.01, -2.0]), rng.choice([0.1, 0.6, 0.61, 0.9])] for _ in range(6)]
        asked = []

        def decode(_, options):
            ratio, average, silence = answers[len(asked)]
            asked.append(options.temperature)
            return DecodingResult(None, "en", tokens=[50363, 1000, 50413], avg_logprob=average, no_speech_prob=silence, temperature=options.temperature, compression_ratio=ratio)

        model = SimpleNamespace(dims=dims, device=torch.device("cpu"), is_multilingual=False, num_languages=99, decode=decode)
        found = transcribing.transcribe(model, np.zeros(16_000, np.float32), verbose=None, fp16=False)
        cases.append([answers, len(asked), len(found["segments"]) == 0])
    return cases


def text_segments(rng):
    """[tokens, segments as start, end, text, tokens]: texts that end with a timestamp, so that one window hears it all."""
    tokenizer = get_tokenizer(False)
    transcribing.log_mel_spectrogram = lambda audio, mels, padding: torch.zeros(80, 6000)
    dims = SimpleNamespace(n_mels=80, n_audio_ctx=1500, n_text_ctx=448)
    cases = []
    for _ in range(CASES):
        tokens, place = [], rng.randrange(0, 50)
        for number in range(rng.randint(1, 5)):
            words = tokenizer.encode(rng.choice([" ", ""]) + rng.choice([*TEXTS, " "]))
            cut = rng.randint(1, len(words)) if rng.random() < 0.3 else len(words)
            until = place if rng.random() < 0.1 else rng.randint(place, min(1499, place + 300))
            tokens += [tokenizer.timestamp_begin + place, *words[:cut], tokenizer.timestamp_begin + until]
            place = rng.choice([until, min(1499, until + 20)])

        def decode(_, options):
            return DecodingResult(None, "en", tokens=tokens, avg_logprob=-0.5, no_speech_prob=0.25, temperature=options.temperature, compression_ratio=1.5)

        model = SimpleNamespace(dims=dims, device=torch.device("cpu"), is_multilingual=False, num_languages=99, decode=decode)
        found = transcribing.transcribe(model, np.zeros(480_000, np.float32), verbose=None, fp16=False)
        cases.append([tokens, [[segment["start"], segment["end"], segment["text"], segment["tokens"]] for segment in found["segments"]]])
    return cases


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    made = {}
    for make in (timestamp_rules, beam_searches, warpings, medians, token_words, encodings, punctuations, compressions, attempts, repaired_times, text_segments):
        made[make.__name__] = make(random.Random(make.__name__))
        print(make.__name__, len(made[make.__name__]))
    made["non_speech"] = {kind: list(get_tokenizer(kind == "multilingual").non_speech_tokens) for kind in ("multilingual", "english")}
    made["languages"] = LANGUAGES
    data = json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()
    path = options.folder / "utilities.json.gz"
    path.write_bytes(gzip.compress(data, 9, mtime=0))
    print(path.name, path.stat().st_size)


if __name__ == "__main__":
    main()
