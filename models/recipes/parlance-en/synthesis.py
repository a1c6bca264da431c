"""Prompts spoken by espeak-ng, flite and festival, written as shards of 16 kHz audio.

A shard is two files: `<name>.pcm` (int16 little-endian samples, utterances one after the other) and `<name>.jsonl` (one
record an utterance: offset and samples, both counted in samples, kind, voice, text). The second file is written last,
by a rename, so a shard exists when its index does: a killed run is started again and makes only what is missing.
Every choice (voice, rate, pitch) is seeded by the prompt's position and the shard's name.
"""

import argparse
import ctypes
import json
import os
import random
import shutil
import subprocess
import tempfile
import wave
import zlib
from multiprocessing import Pool
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from text import DEVELOPMENT_PROMPTS, transcript

RATE = 16_000
SHARD_PROMPTS = 400
SHORTEST, LONGEST = int(0.25 * RATE), 16 * RATE

ESPEAK_DATA = Path("/usr/lib/x86_64-linux-gnu/espeak-ng-data")
ESPEAK_ACCENTS = ["en-us"] * 6 + ["en"] * 2 + ["en-gb-x-rp"] * 2 + ["en-us-nyc", "en-gb-scotland", "en-029", "en-gb-x-gbclan"]
# Variants that are effects rather than voices.
ESPEAK_EFFECTS = set(
    "AnxiousAndy Demonic Storm Tweaky UniRobot anikaRobot croak fast klatt5 klatt6 max RicishayMax3 robosoft robosoft2 "
    "robosoft3 robosoft4 robosoft5 robosoft6 robosoft7 robosoft8 whisper whisperf Mr serious Alicia grandma victor zac".split()
)
ESPEAK_UNSEEN = ["f5", "m6", "klatt4", "linda", "edward2", "steph2", "michael"]
GENERATED_VARIANTS = 160

# Shards of each voice at --scale 1 (400 prompts, about twenty minutes of speech, each).
VOICES = {
    ("espeak", "named"): 36,
    ("espeak", "generated"): 48,
    ("flite", "slt"): 20,
    ("flite", "awb"): 20,
    ("flite", "rms"): 20,
    ("flite", "kal16"): 16,
    ("flite", "kal"): 16,
    ("festival", "ked_diphone"): 24,
    ("festival", "kal_diphone"): 15,
    ("festival", "cmu_us_slt_arctic_hts"): 15,
}


def resample(samples, rate):
    """Float or int samples at `rate` to float32 at 16 kHz."""
    if rate == RATE:
        return samples.astype(np.float32)
    divisor = np.gcd(rate, RATE)
    return resample_poly(samples.astype(np.float32), RATE // divisor, rate // divisor).astype(np.float32)


def trim(samples):
    """Cuts silence to at most 0.1 s before and 0.15 s after the speech and sets the peak to 0.6 of full scale."""
    level = np.abs(samples)
    loud = np.nonzero(level > level.max(initial=0) * 0.01)[0]
    if len(loud) == 0:
        return np.zeros(0, np.int16)
    kept = samples[max(0, loud[0] - RATE // 10) : loud[-1] + RATE * 3 // 20]
    return (kept * (20_000 / level.max())).astype(np.int16)


class Espeak:
    """espeak-ng in this process, through its C interface; `voices` are generated variants or the named ones."""

    RETRIEVAL, CHARS_UTF8, RATE_PARAMETER, PITCH, RANGE, WORDGAP = 2, 1, 1, 3, 4, 7

    def __init__(self, data_folder, variants):
        self.library = ctypes.CDLL("libespeak-ng.so.1")
        self.rate = self.library.espeak_Initialize(self.RETRIEVAL, 0, str(data_folder).encode(), 0)
        callback_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
        self.pieces = []
        self.callback = callback_type(self.receive)
        self.library.espeak_SetSynthCallback(self.callback)
        self.variants = variants

    def receive(self, samples, count, _events):
        if samples and count > 0:
            self.pieces.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def speak(self, prompt, rng):
        voice = f"{rng.choice(ESPEAK_ACCENTS)}+{rng.choice(self.variants)}"
        if self.library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise RuntimeError(f"espeak-ng has no voice {voice}")
        for parameter, value in (
            (self.RATE_PARAMETER, max(110, min(230, int(rng.gauss(162, 22))))),
            (self.PITCH, max(5, min(95, int(rng.gauss(50, 20))))),
            (self.RANGE, rng.randint(20, 80)),
            (self.WORDGAP, rng.choice([0, 0, 0, 1, 2])),
        ):
            self.library.espeak_SetParameter(parameter, value, 0)
        self.pieces.clear()
        said = prompt.encode()
        self.library.espeak_Synth(said, len(said) + 1, 0, 1, 0, self.CHARS_UTF8, None, None)
        self.library.espeak_Synchronize()
        samples = np.concatenate(self.pieces) if self.pieces else np.zeros(0, np.int16)
        return resample(samples, self.rate), f"espeak:{voice}"


def named_variants():
    present = sorted(os.listdir(ESPEAK_DATA / "voices" / "!v"))
    return [name for name in present if name not in ESPEAK_EFFECTS and name not in ESPEAK_UNSEEN and " " not in name]


def espeak_data(folder, seed):
    """A private copy of espeak-ng's data with generated variant files g000 ...: other vocal tracts, pitches, breathiness."""
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(ESPEAK_DATA, folder)
        # espeak-ng lists at most 350 voice files: other languages and the mbrola voices make room for the variants.
        shutil.rmtree(folder / "voices" / "mb", ignore_errors=True)
        for path in (folder / "lang").rglob("*"):
            if path.is_file() and not path.name.startswith("en"):
                path.unlink()
        for i in range(GENERATED_VARIANTS):
            rng = random.Random(zlib.crc32(f"{seed} variant {i}".encode()))
            tract = rng.uniform(0.84, 1.24)
            low = rng.randint(60, 190)
            lines = ["language variant", f"name g{i:03}", f"pitch {low} {low + rng.randint(15, 120)}"]
            for formant in range(0, 7):
                frequency = int(100 * tract * rng.uniform(0.94, 1.06))
                lines.append(f"formant {formant} {frequency} {rng.randint(75, 125)} {rng.randint(70, 150)}")
            if rng.random() < 0.4:
                lines.append(f"flutter {rng.randint(0, 8)}")
            if rng.random() < 0.3:
                lines.append(f"roughness {rng.randint(0, 4)}")
            if rng.random() < 0.35:
                lines.append("breath " + " ".join(str(rng.randint(0, 30)) for _ in range(8)))
            if rng.random() < 0.3:
                lines.append(f"voicing {rng.randint(60, 130)}")
            if rng.random() < 0.3:
                lines.append(f"consonants {rng.randint(70, 150)} {rng.randint(70, 150)}")
            if rng.random() < 0.25:
                lines.append(f"klatt {rng.randint(1, 4)}")
            (folder / "voices" / "!v" / f"g{i:03}").write_text("\n".join(lines) + "\n")
        (folder / "complete").touch()
    return folder


class Flite:
    """One flite voice in this process, through its C interface."""

    class Wave(ctypes.Structure):
        _fields_ = [
            ("type", ctypes.c_char_p),
            ("sample_rate", ctypes.c_int),
            ("num_samples", ctypes.c_int),
            ("num_channels", ctypes.c_int),
            ("samples", ctypes.POINTER(ctypes.c_short)),
        ]

    class Voice(ctypes.Structure):
        _fields_ = [("name", ctypes.c_char_p), ("features", ctypes.c_void_p)]

    def __init__(self, voice):
        names = ["libflite", "libflite_usenglish", "libflite_cmulex", f"libflite_cmu_us_{voice}"]
        libraries = [ctypes.CDLL(f"{name}.so.1", mode=ctypes.RTLD_GLOBAL) for name in names]
        self.flite = libraries[0]
        self.flite.flite_init()
        register = getattr(libraries[-1], f"register_cmu_us_{voice}")
        register.restype, register.argtypes = ctypes.POINTER(self.Voice), [ctypes.c_char_p]
        self.flite.flite_text_to_wave.restype = ctypes.POINTER(self.Wave)
        self.flite.flite_text_to_wave.argtypes = [ctypes.c_char_p, ctypes.POINTER(self.Voice)]
        self.flite.delete_wave.argtypes = [ctypes.POINTER(self.Wave)]
        self.flite.flite_feat_set_float.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_float]
        self.voice, self.name = register(None), voice

    def speak(self, prompt, rng):
        features = {"duration_stretch": rng.uniform(0.82, 1.28)}
        if self.name.startswith("kal"):
            features["int_f0_target_mean"] = rng.uniform(75, 160)
            features["int_f0_target_stddev"] = rng.uniform(8, 25)
        else:
            features["f0_shift"] = rng.uniform(0.78, 1.28)
        for name, value in features.items():
            self.flite.flite_feat_set_float(self.voice.contents.features, name.encode(), value)
        spoken = self.flite.flite_text_to_wave(prompt.encode(), self.voice)
        samples = np.ctypeslib.as_array(spoken.contents.samples, (spoken.contents.num_samples,)).copy()
        rate = spoken.contents.sample_rate
        self.flite.delete_wave(spoken)
        return resample(samples, rate), f"flite:{self.name}"


def festival(prompts, voice, seed):
    """Speaks (prompt, key) pairs with one festival run; yields samples or None in order."""
    with tempfile.TemporaryDirectory() as folder:
        script = [f"(voice_{voice})"]
        for i, (prompt, key) in enumerate(prompts):
            rng = random.Random(zlib.crc32(f"{seed} {voice} {key}".encode()))
            script.append(f"(Parameter.set 'Duration_Stretch {rng.uniform(0.82, 1.25):.2f})")
            if voice.endswith("diphone"):
                script.append(
                    f"(set! int_lr_params '((target_f0_mean {rng.uniform(80, 170):.0f}) (target_f0_std {rng.uniform(9, 24):.0f})"
                    " (model_f0_mean 170) (model_f0_std 34)))"
                )
            said = prompt.replace('"', "").replace("\\", "")
            script.append(f'(utt.save.wave (utt.synth (Utterance Text "{said}")) "{folder}/{i}.wav" \'riff)')
        path = Path(folder) / "speak.scm"
        path.write_text("\n".join(script) + "\n")
        subprocess.run(["festival", "-b", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for i in range(len(prompts)):
            try:
                yield resample(*read_wave(f"{folder}/{i}.wav"))
            except (OSError, EOFError, wave.Error):
                yield None


def read_wave(path):
    """(int16 samples, rate) of a WAV file."""
    with wave.open(str(path)) as spoken:
        return np.frombuffer(spoken.readframes(spoken.getnframes()), "<i2"), spoken.getframerate()


class Rhvoice:
    """A voice of RHVoice, a process for every prompt. Never trained on: an unseen engine with unseen speakers."""

    def __init__(self, voice):
        self.voice = voice

    def speak(self, prompt, rng):
        options = ["-p", self.voice, "-r", str(rng.randint(80, 125)), "-t", str(rng.randint(80, 125))]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "spoken.wav"
            command = ["RHVoice-test", *options, "-o", str(path)]
            subprocess.run(command, input=prompt.encode(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            return resample(*read_wave(path)), f"rhvoice:{self.voice}"


class Pico:
    """A voice of SVOX Pico (`en-US`, `en-GB`), a process for every prompt. Never trained on either."""

    def __init__(self, voice):
        self.voice = voice

    def speak(self, prompt, _rng):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "spoken.wav"
            subprocess.run(["pico2wave", "-l", self.voice, "-w", str(path), prompt], stdout=subprocess.DEVNULL, check=True)
            return resample(*read_wave(path)), f"pico:{self.voice}"


def write_shard(path, utterances):
    """Writes (samples int16, kind, voice, text) as `<path>.pcm` and `<path>.jsonl`; returns seconds written."""
    offset = 0
    index = []
    with open(f"{path}.pcm", "wb") as pcm:
        for samples, kind, voice, text in utterances:
            if not SHORTEST <= len(samples) <= LONGEST:
                continue
            pcm.write(samples.tobytes())
            index.append({"offset": offset, "samples": len(samples), "kind": kind, "voice": voice, "text": text})
            offset += len(samples)
    partial = Path(f"{path}.jsonl.partial")
    partial.write_text("".join(json.dumps(record) + "\n" for record in index))
    partial.rename(f"{path}.jsonl")
    return offset / RATE


SPEAKERS = {"flite": Flite, "rhvoice": Rhvoice, "pico": Pico}


def speak_all(engine, voice, prompts, seed, data_folder):
    """Yields (samples, kind, voice, text) for (position, kind, prompt) triples."""
    if engine == "festival":
        for start in range(0, len(prompts), 100):
            part = prompts[start : start + 100]
            spoken = festival([(prompt, position) for position, _, prompt in part], voice, seed)
            for (_, kind, prompt), samples in zip(part, spoken):
                if samples is not None:
                    yield trim(samples), kind, f"festival:{voice}", transcript(prompt)
        return
    if engine in SPEAKERS:
        speaker = SPEAKERS[engine](voice)
    else:
        generated = [f"g{i:03}" for i in range(GENERATED_VARIANTS)]
        variants = {"named": named_variants(), "generated": generated, "unseen": ESPEAK_UNSEEN}[voice]
        speaker = Espeak(data_folder, variants)
    for position, kind, prompt in prompts:
        rng = random.Random(zlib.crc32(f"{seed} {engine} {voice} {position}".encode()))
        samples, name = speaker.speak(prompt, rng)
        yield trim(samples), kind, name, transcript(prompt)


def make_shard(task):
    path, engine, voice, prompts, seed, data_folder = task
    seconds = write_shard(path, speak_all(engine, voice, prompts, seed, data_folder))
    return path.name, seconds


def plan(prompts, scale):
    """Shards in the order in which they are made: every voice early, each prompt spoken by one voice."""
    order = []
    for (engine, voice), shards in VOICES.items():
        count = max(1, round(shards * scale))
        order += [((n + 0.5) / count, engine, voice, n) for n in range(count)]
    order.sort()
    for i, (_, engine, voice, n) in enumerate(order):
        start = i * SHARD_PROMPTS % len(prompts)
        chosen = [(start + j, *prompts[start + j]) for j in range(min(SHARD_PROMPTS, len(prompts) - start))]
        yield engine, voice, n, chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prompts", type=Path)
    parser.add_argument("out", type=Path, help="folder of the shards")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="amount of audio; 1 is about 75 hours")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    data_folder = espeak_data(options.out.parent / "espeak-ng-data", options.seed)
    prompts = [tuple(line.split("\t")) for line in options.prompts.read_text().splitlines()[:-DEVELOPMENT_PROMPTS]]
    tasks = []
    for engine, voice, n, chosen in plan(prompts, options.scale):
        path = options.out / f"{engine}-{voice}-{n:03}"
        if not Path(f"{path}.jsonl").exists():
            tasks.append((path, engine, voice, chosen, options.seed, data_folder))
    hours = 0.0
    # A fresh process for every shard: the engines keep global state, and a crash of one costs its shard only.
    with Pool(options.workers, maxtasksperchild=1) as pool:
        for name, seconds in pool.imap_unordered(make_shard, tasks, chunksize=1):
            hours += seconds / 3600
            print(f"{name} {seconds / 60:.1f} min, {hours:.2f} h in all", flush=True)


if __name__ == "__main__":
    main()
