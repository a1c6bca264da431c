"""Clips that Python and TypeScript make alike: integer arithmetic only, 16 kHz, 16 bits.

`voice` is two triangle waves that change pitch and loudness ten times a second, over faint noise; `noise` is white;
`silence` is zeros. The TypeScript twin is shared/audio/src/testing/clips.ts.
"""

import numpy as np

RATE = 16_000
BLOCK = 1_600


class Random:
    """The linear congruential generator of Numerical Recipes, 32 bits."""

    def __init__(self, seed):
        self.state = seed

    def next(self, bits):
        """The highest `bits` bits of the next state."""
        self.state = (self.state * 1_664_525 + 1_013_904_223) % 2**32
        return self.state >> (32 - bits)


def triangle(phase):
    """A triangle wave of period 65536 and height 16384."""
    return abs((phase & 65_535) - 32_768) - 16_384


def make_clip(kind, samples, seed):
    """int16 samples of a clip."""
    clip = np.zeros(samples, np.int16)
    if kind == "silence":
        return clip
    random = Random(seed)
    low = high = low_step = high_step = loudness = 0
    for n in range(samples):
        if kind == "noise":
            clip[n] = random.next(13) - 4_096
            continue
        if n % BLOCK == 0:
            low_step = (80 + random.next(7)) * 65_536 // RATE
            high_step = (400 + random.next(11)) * 65_536 // RATE
            loudness = random.next(4) * 500
        low += low_step
        high += high_step
        tone = (triangle(low) * loudness >> 14) + (triangle(high) * (loudness >> 1) >> 14)
        clip[n] = tone + random.next(7) - 64
    return clip


# name: (kind, samples, seed). The names are those of the golden outputs.
CLIPS = {
    "0.4 s": ("voice", 6_400, 1),
    "1 s": ("voice", 16_000, 2),
    "1.003 s": ("voice", 16_050, 3),
    "2.37 s": ("voice", 37_920, 4),
    "7 s": ("voice", 112_000, 5),
    "8 s": ("voice", 128_000, 6),
    "8.5 s": ("voice", 136_000, 7),
    "20 s": ("voice", 320_000, 8),
    "30 s": ("voice", 480_000, 9),
    "silence": ("silence", 24_000, 0),
    "noise": ("noise", 48_000, 10),
    "quiet noise": ("noise", 20_000, 11),
    "3 s": ("voice", 48_000, 12),
    "4.1 s": ("voice", 65_600, 13),
    "5.55 s": ("voice", 88_800, 14),
    "0.9 s": ("voice", 14_400, 15),
}


def all_clips():
    """Every clip by name."""
    return {name: make_clip(*what) for name, what in CLIPS.items()}
