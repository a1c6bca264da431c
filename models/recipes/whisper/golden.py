"""What openai-whisper answers for the small random-weight models: the fixtures' golden outputs.

Beam search runs clip by clip: openai-whisper 20250625 cannot do it in a batch (its cross attention does not repeat the
audio for the beams). Sampling is not compared. Where transformers and CTranslate2 differ is said in README.md.
"""

import base64

import numpy as np
import torch
import whisper
from whisper.decoding import DecodingOptions
from whisper.timing import add_word_timestamps

from clips import CLIPS, clip
from tokens import tokenizer_of

# Every so many numbers of a large tensor are kept.
FEATURE_STEP, STATE_STEP = 61, 47
BUDGET = 64
CONTEXT = "Parlance, JetStream, naïve café, 東京 <3"


def packed(values, step):
    flat = np.ascontiguousarray(values, np.float32).reshape(-1)
    return {"step": step, "largest": float(np.abs(flat).max()), "values": base64.b64encode(flat[::step].tobytes()).decode()}


def features(model, name):
    samples = clip(name).astype(np.float32) / 32768
    return whisper.log_mel_spectrogram(whisper.pad_or_trim(samples), model.dims.n_mels)


def segments(tokens, tokenizer, seconds):
    """Cuts tokens at pairs of timestamps, as openai-whisper's transcribe does. It hears an unfinished end again in its
    next window; a row of a pass is all there is, so here the end is the last segment."""
    first = tokenizer.timestamp_begin
    stamps = [token >= first for token in tokens]
    single_ending = stamps[-2:] == [False, True]
    cuts = [place + 1 for place in range(len(tokens) - 1) if stamps[place] and stamps[place + 1]]
    if not cuts:
        spoken = [token for token in tokens if token >= first]
        end = (spoken[-1] - first) * 0.02 if spoken and spoken[-1] != first else seconds
        return [{"seek": 0, "start": 0.0, "end": end, "tokens": tokens}]
    found, begin = [], 0
    for cut in [*cuts, *([len(tokens)] if single_ending else [])]:
        part = tokens[begin:cut]
        found.append({"seek": 0, "start": (part[0] - first) * 0.02, "end": (part[-1] - first) * 0.02, "tokens": part})
        begin = cut
    if begin < len(tokens):
        found.append({"seek": 0, "start": (tokens[begin] - first) * 0.02, "end": seconds, "tokens": tokens[begin:]})
    return found


def timed(model, mel, tokens, tokenizer, samples):
    """Words with times and probabilities, and the segments' own times, which the words' change."""
    found = segments(tokens, tokenizer, samples / 16_000)
    frames = min(samples // 160, 3000)
    add_word_timestamps(segments=found, model=model, tokenizer=tokenizer, mel=mel, num_frames=frames, last_speech_timestamp=0.0)
    words = [[word["word"], float(word["start"]), float(word["end"]), float(word["probability"])] for segment in found for word in segment["words"]]
    return words, [[float(segment["start"]), float(segment["end"]), segment["tokens"]] for segment in found]


@torch.no_grad()
def decoded(model, name, states, mel, wanted):
    """One decoding; `wanted`: language or None, timestamps, beam, context, task."""
    language, timestamps, beam, context = wanted["language"], wanted["timestamps"], wanted["beam"], wanted.get("context")
    task = wanted.get("task", "transcribe")
    options = DecodingOptions(
        task=task, language=language if model.is_multilingual else "en", without_timestamps=not timestamps, beam_size=beam if beam > 1 else None,
        prompt=context, sample_len=BUDGET, fp16=False,
    )  # fmt: skip
    result = model.decode(states, options)
    tokenizer = tokenizer_of(model, result.language, task)
    answer = {
        "clip": name, **wanted, "budget": BUDGET, "tokens": result.tokens, "heard": result.language,
        "text": tokenizer.decode([token for token in result.tokens if token < tokenizer.eot]).strip(),
        "logProbability": result.avg_logprob, "noSpeech": result.no_speech_prob, "compressionRatio": result.compression_ratio,
    }  # fmt: skip
    samples = len(clip(name))
    if timestamps and samples >= 3200 and any(token < tokenizer.eot for token in result.tokens):
        answer["words"], answer["segments"] = timed(model, mel, result.tokens, tokenizer, samples)
    return answer


@torch.no_grad()
def golden(model, names=tuple(CLIPS)):
    heard, decodings = {}, []
    plain = [{"language": None, "timestamps": timestamps, "beam": beam} for timestamps in (False, True) for beam in (1, 5)]
    languages = ["ja", "de", "zh"] if model.is_multilingual else []
    for index, name in enumerate(names):
        mel = features(model, name)
        states = model.encoder(mel[None])[0]
        heard[name] = {"features": packed(mel, FEATURE_STEP), "states": packed(states, STATE_STEP)}
        if model.is_multilingual:
            token, probabilities = model.detect_language(states)
            heard[name]["languages"] = {code: probabilities[code] for code in sorted(probabilities, key=probabilities.get, reverse=True)[:3]}
        wanted = list(plain)
        if index % 4 == 1:
            wanted += [{"language": None, "timestamps": True, "beam": beam, "context": CONTEXT} for beam in (1, 5)]
            wanted += [{"language": language, "timestamps": True, "beam": 1} for language in languages]
            if model.is_multilingual:
                wanted += [{"language": "de", "timestamps": True, "beam": 1, "task": "translate"}, {"language": None, "timestamps": False, "beam": 5, "task": "translate"}]
        decodings += [decoded(model, name, states, mel, one) for one in wanted]
    return {"clips": heard, "decodings": decodings}
