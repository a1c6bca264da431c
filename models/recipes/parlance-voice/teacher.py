"""The teacher: flite's voice slt, asked through its C interface for what it is going to say and how.

slt is a statistical voice (clustergen): before it makes a waveform it has, every 5 ms, a fundamental frequency, 25
mel-cepstral coefficients and the strength of voicing in five bands, and for every phone an end. Those are the targets of
the student, so nothing has to be measured in the sound. flite's licence and the voice's are permissive (CMU).
"""

import ctypes
from dataclasses import dataclass

import numpy as np

RATE = 16_000
FRAME_SECONDS = 0.005
ORDER = 24
ALPHA = 0.42
BANDS = 5
LIBRARIES = ["libflite", "libflite_usenglish", "libflite_cmulex", "libflite_cmu_us_slt"]
MARKS = ",.?!"
VOWELS = "aa ae ah ao aw ay eh er ey ih iy ow oy uh uw".split()
FINAL_FRAMES = 8


class Wave(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    ]


class Track(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_char_p),
        ("frames", ctypes.c_int),
        ("channels", ctypes.c_int),
        ("times", ctypes.POINTER(ctypes.c_float)),
        ("values", ctypes.POINTER(ctypes.POINTER(ctypes.c_float))),
    ]

    def array(self):
        """A copy: float32 [frames, channels]."""
        shape = (self.channels,)
        return np.stack([np.ctypeslib.as_array(self.values[i], shape) for i in range(self.frames)]).astype(np.float32)


@dataclass
class Utterance:
    """What the teacher said: tokens with their lengths in frames, and the parameters of each frame."""

    symbols: list  # phones ("ah0", "k"), marks ("," "." "?" "!"), "^" first and "$" last
    places: list  # 1 where a phone begins a word, 2 where it ends one, 3 both, 0 else
    frames: list  # frames of each symbol
    f0: np.ndarray  # Hz, 0 where unvoiced
    cepstrum: np.ndarray  # [frames, 25], of the post-filtered envelope
    strengths: np.ndarray  # [frames, 5] in 0..1
    samples: np.ndarray  # int16, the teacher's own waveform of the same frames


class Teacher:
    def __init__(self):
        libraries = [ctypes.CDLL(f"{name}.so.1", mode=ctypes.RTLD_GLOBAL) for name in LIBRARIES]
        self.library = libraries[0]
        pointer, text = ctypes.c_void_p, ctypes.c_char_p
        for name, result, *arguments in (
            ("flite_synth_text", pointer, text, pointer),
            ("utt_relation", pointer, pointer, text),
            ("relation_head", pointer, pointer),
            ("item_next", pointer, pointer),
            ("item_as", pointer, pointer, text),
            ("item_parent", pointer, pointer),
            ("item_feat_string", text, pointer, text),
            ("item_feat_float", ctypes.c_float, pointer, text),
            ("ffeature_string", text, pointer, text),
            ("feat_val", pointer, pointer, text),
            ("val_track", ctypes.POINTER(Track), pointer),
            ("val_wave", ctypes.POINTER(Wave), pointer),
            ("val_cg_db", pointer, pointer),
            ("mlpg", ctypes.POINTER(Track), pointer, pointer),
            ("delete_track", None, pointer),
            ("delete_utterance", None, pointer),
            ("lex_lookup", pointer, pointer, text, text, pointer),
            ("val_car", pointer, pointer),
            ("val_cdr", pointer, pointer),
            ("val_string", text, pointer),
            ("delete_val", None, pointer),
        ):
            function = getattr(self.library, name)
            function.restype, function.argtypes = result, arguments
        self.library.flite_init()
        register = libraries[3].register_cmu_us_slt
        register.restype, register.argtypes = pointer, [text]
        self.voice = register(None)
        start = libraries[2].cmu_lex_init
        start.restype = pointer
        self.lexicon = start()

    def pronounce(self, word):
        """Phones of a word from flite's dictionary, or from its letter-to-sound rules: ["hh", "ah0", "l", "ow1"]."""
        cell = found = self.library.lex_lookup(self.lexicon, word.encode(), None, None)
        phones = []
        while cell:
            phones.append(self.library.val_string(self.library.val_car(cell)).decode())
            cell = self.library.val_cdr(cell)
        if found:
            self.library.delete_val(found)
        return [standard(phone) for phone in phones]

    def say(self, prompt):
        """An Utterance, or None when the teacher finds nothing to say. Its edges of silence are cut to 40 ms."""
        spoken = self.library.flite_synth_text(prompt.encode(), self.voice)
        try:
            return self.read(spoken)
        finally:
            self.library.delete_utterance(spoken)

    def read(self, spoken):
        features = ctypes.cast(spoken, ctypes.POINTER(ctypes.c_void_p))[0]

        def value(name):
            return self.library.feat_val(features, name)

        raw = self.library.val_track(value(b"param_track"))
        smooth = self.library.mlpg(raw, self.library.val_cg_db(value(b"cg_db")))
        parameters = smooth.contents.array()
        self.library.delete_track(smooth)
        strengths = self.library.val_track(value(b"str_track")).contents.array()
        wave = self.library.val_wave(value(b"wave")).contents
        samples = np.ctypeslib.as_array(wave.samples, (wave.num_samples,)).copy()

        symbols, places, ends = self.segments(spoken)
        if len(symbols) < 3:
            return None
        ends[-1] = min(ends[-1], len(parameters))
        first = max(0, ends[0] - FINAL_FRAMES)
        last = min(ends[-1], ends[-2] + FINAL_FRAMES)
        # The last pause belongs half to the mark and half to the end.
        ends[-1] = ends[-2] + (last - ends[-2]) // 2
        frames = np.diff([first, *ends, last]).tolist()
        if min(frames) < 0:
            return None
        hop = round(RATE * FRAME_SECONDS)
        return Utterance(
            [*symbols, "$"],
            [*places, 0],
            frames,
            parameters[first:last, 0],
            sharpen(parameters[first:last, 1 : ORDER + 2]),
            strengths[first:last],
            samples[first * hop : last * hop],
        )

    def segments(self, spoken):
        """Symbols, places in the word, and ends in frames, of all segments; the first is "^", the last a mark."""
        symbols, places, ends = [], [], []
        item = self.library.relation_head(self.library.utt_relation(spoken, b"Segment"))
        before, mark, found = None, ",", []
        while item:
            name = self.library.item_feat_string(item, b"name").decode()
            end = round(self.library.item_feat_float(item, b"end") / FRAME_SECONDS)
            if name == "pau":
                if symbols and symbols[-1] in (*MARKS, "^"):
                    ends[-1] = end
                else:
                    symbols.append(mark if symbols else "^")
                    places.append(0)
                    ends.append(end)
                before = None
            else:
                syllable = self.library.item_parent(self.library.item_as(item, b"SylStructure"))
                word = self.library.item_parent(syllable)
                if name == "ax":
                    name = "ah"
                symbols.append(name + self.library.item_feat_string(syllable, b"stress").decode() if name in VOWELS else name)
                if word != before and before and self.library.item_feat_string(word, b"name").startswith(b"'"):
                    # flite parts "i'd" in two words; people and dictionaries do not.
                    places[-1] &= 1
                    before = word
                places.append(0 if word == before else 1)
                follower = self.library.item_next(item)
                parent = self.library.item_as(follower, b"SylStructure") if follower else None
                syllable_after = self.library.item_parent(parent) if parent else None
                if not syllable_after or self.library.item_parent(syllable_after) != word:
                    places[-1] |= 2
                ends.append(end)
                before = word
                punctuation = self.library.ffeature_string(item, b"R:SylStructure.parent.parent.R:Token.parent.punc").decode()
                found = [character for character in punctuation if character in ",.?!;:"]
                mark = found[0].replace(";", ",").replace(":", ",") if found else ","
            item = self.library.item_next(item)
        if symbols[-1] == "," and not found:
            symbols[-1] = "."
        return symbols, places, ends


def standard(phone):
    """flite's `ax0` is `ah0`; consonants lose the digit they do not have."""
    name, digit = (phone[:-1], phone[-1]) if phone[-1].isdigit() else (phone, "")
    name = "ah" if name == "ax" else name
    return name + (digit or "0") if name in VOWELS else name


def sharpen(cepstrum, beta=0.4):
    """The post-filter that slt's own vocoder applies: formants are raised, the energy stays.

    The filter coefficients b of a mel-cepstrum (Fukada et al. 1992) from the third on grow by 1 + beta.
    """
    filtered = to_filter(cepstrum)
    filtered[:, 1] -= beta * ALPHA * cepstrum[:, 2]
    filtered[:, 2:] *= 1 + beta
    sharp = from_filter(filtered)
    sharp[:, 0] += (energy(cepstrum) - energy(sharp)) / 2
    return sharp.astype(np.float32)


def to_filter(cepstrum):
    filtered = cepstrum.astype(np.float64).copy()
    for k in range(ORDER - 1, -1, -1):
        filtered[:, k] -= ALPHA * filtered[:, k + 1]
    return filtered


def from_filter(filtered):
    cepstrum = filtered.copy()
    cepstrum[:, :-1] += ALPHA * filtered[:, 1:]
    return cepstrum


def warped(frequencies):
    """Frequencies (radians) as a mel-cepstrum bends them: the phase of its all-pass."""
    return frequencies + 2 * np.arctan(ALPHA * np.sin(frequencies) / (1 - ALPHA * np.cos(frequencies)))


def energy(cepstrum, bins=256):
    """Natural log of the mean power of the envelopes of [frames, 25] mel-cepstra."""
    angles = warped(np.linspace(0, np.pi, bins + 1))
    log_amplitude = cepstrum @ np.cos(np.outer(np.arange(ORDER + 1), angles))
    return np.log(np.exp(2 * log_amplitude).mean(-1))
