"""A peer of the bench in a process of its own: the official package, qwen-tts.

    python peers.py ENGINE MODEL_FOLDER TEXT REFERENCE_TEXT FRAMES THREADS

Loads, writes {"load_s"}, then answers each line {"batch"} of its input with {"seconds", "first_sound_s", "frames"}: how long that
number of rows took, until the first sound of the row that waited longest for it, and how many frames each row came to.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

RECIPES = Path(__file__).resolve().parent.parent
RATE, SAMPLES_PER_FRAME = 24_000, 1_920
VOICE = "ryan"


class QwenTts:
    def __init__(self, folder, text, reference_text, frames, threads, dtype="float32"):
        import torch

        sys.path.insert(0, str(RECIPES / "qwen3-tts"))
        from official import Qwen3TTSModel

        torch.set_num_threads(threads)
        self.torch, self.text, self.frames = torch, text, frames
        self.model = Qwen3TTSModel.from_pretrained(str(folder / "official"), dtype=getattr(torch, dtype), attn_implementation="sdpa")
        self.prompt = None
        self.reference, self.reference_text = folder / "reference.pcm", reference_text

    def run(self, batch):
        # The run that is stopped by its limit loses the first code of a frame that it does not complete.
        wishes = {"max_new_tokens": self.frames + 1, "non_streaming_mode": True}
        texts, languages = [self.text] * batch, ["English"] * batch
        with self.torch.inference_mode():
            if self.model.model.tts_model_type != "base":
                sounds, _ = self.model.generate_custom_voice(texts, [VOICE] * batch, languages, **wishes)
                return sounds
            if self.prompt is None:
                samples = np.fromfile(self.reference, "<i2").astype(np.float32) / 32_768
                self.prompt = self.model.create_voice_clone_prompt((samples, RATE), self.reference_text)
            sounds, _ = self.model.generate_voice_clone(texts, languages, voice_clone_prompt=self.prompt * batch, **wishes)
            return sounds


def bfloat16(*given):
    # Some virtual machines announce AMX and end the process that uses it.
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")
    return QwenTts(*given, dtype="bfloat16")


ENGINES = {"qwen-tts float32": QwenTts, "qwen-tts bfloat16": bfloat16}


def main():
    engine, folder, text, reference_text, frames, threads = sys.argv[1:]
    # What libraries print must not stand among the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    began = time.perf_counter()
    loaded = ENGINES[engine](Path(folder), text, reference_text, int(frames), int(threads))
    print(json.dumps({"load_s": time.perf_counter() - began}), file=answers, flush=True)
    for line in sys.stdin:
        batch = json.loads(line)["batch"]
        began = time.perf_counter()
        sounds = loaded.run(batch)
        taken = time.perf_counter() - began
        frames = [round(len(sound) / SAMPLES_PER_FRAME) for sound in sounds]
        # It answers when all is said.
        print(json.dumps({"seconds": taken, "first_sound_s": taken, "frames": frames}), file=answers, flush=True)


if __name__ == "__main__":
    main()
