"""Clips made of whole numbers only, so that TypeScript makes the same samples (shared/asr/src/whisper/testing/clips.ts).

`voice` is a pulse train whose pitch wanders, through two ringing filters, in syllables with gaps; `noise` is hashed;
`silence` is zeros.
"""

import numpy as np

from random_weights import hashed


def noise(samples, seed, level):
    return np.floor((2.0 * hashed(seed, samples) - 1.0) * level).astype(np.int16)


def voice(samples, seed):
    syllable = 3200
    count = samples // syllable + 1
    chosen = [np.floor(hashed(seed * 8 + part, count) * size).astype(np.int64) for part, size in enumerate((90, 24, 40, 5))]
    out = np.zeros(samples, np.int16)
    low, low_before, high, high_before, phase = 0, 0, 0, 0, 0
    for n in range(samples):
        at, inside = divmod(n, syllable)
        phase += 1
        pulse = 0
        if phase >= 80 + int(chosen[0][at]):
            phase = 0
            # Every fifth syllable or so is a gap.
            pulse = 0 if chosen[3][at] == 0 or inside < 300 else 6000
        # Two-pole filters in units of 1/64: ring at a pitch that the syllable chooses.
        low, low_before = (pulse * 64 + (100 + int(chosen[1][at])) * low - 60 * low_before) >> 6, low
        high, high_before = (pulse * 32 + (40 - 2 * int(chosen[2][at])) * high - 58 * high_before) >> 6, high
        out[n] = max(-32768, min(32767, (low + high) >> 1))
    return out


# name: kind, seconds, seed
CLIPS = {
    "voice-0.4": ("voice", 0.4, 1),
    "voice-1": ("voice", 1.0, 2),
    "voice-7": ("voice", 7.0, 3),
    "voice-8": ("voice", 8.0, 4),
    "voice-20": ("voice", 20.0, 5),
    "voice-30": ("voice", 30.0, 6),
    "voice-29.99": ("voice", 29.99, 7),
    "voice-12.345": ("voice", 12.345, 8),
    "voice-3": ("voice", 3.0, 9),
    "silence-5": ("silence", 5.0, 0),
    "noise-6": ("noise", 6.0, 10),
    "noise-30": ("noise", 30.0, 11),
    "voice-2": ("voice", 2.0, 12),
    "voice-15": ("voice", 15.0, 13),
    "voice-0.05": ("voice", 0.05, 14),
    "voice-25": ("voice", 25.0, 15),
}


def clip(name):
    """int16 samples at 16 kHz."""
    kind, seconds, seed = CLIPS[name]
    samples = round(seconds * 16_000)
    if kind == "silence":
        return np.zeros(samples, np.int16)
    return noise(samples, seed, 3000) if kind == "noise" else voice(samples, seed)
