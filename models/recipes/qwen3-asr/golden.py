"""What the official implementation answers to the clips: the fixtures of the TypeScript parity tests.

    python golden.py CHECKPOINT ALIGNER_CHECKPOINT FILE.json.gz

float32, eager attention with the encoder's windows, features of one clip at a time. Long arrays are stored at sampled
places. Before anything is written the official batch (left padding) is held against the official single rows.
"""

import argparse
import base64
import gzip
import json
from pathlib import Path

import numpy as np
import torch
from qwen_asr import Qwen3ASRModel
from qwen_asr.inference.qwen3_forced_aligner import Qwen3ForcedAligner, Qwen3ForceAlignProcessor
from qwen_asr.inference.utils import parse_asr_output
from transformers import BatchFeature

from checkpoint import make_processor, use_windows
from clips import CLIPS, RATE, all_clips
from export import load_checkpoint

STORED = 600
TOKENS_PER_SECOND = 15
SPARE_TOKENS = 64
# clip, context, language
EXTRA = [
    ("3 s", "", "English"),
    ("7 s", "", "Chinese"),
    ("silence", "", "German"),
    ("2.37 s", "fox dog lazy", None),
    ("2.37 s", "\n\nbegins with a line break", None),
    ("5.55 s", "语音识别 Größe 音声", None),
    ("1 s", "recognition of languages", "Korean"),
    ("20 s", "a brown model", "French"),
]
WEIGHED = [
    ("1 s", "English", ["the fox", "the dog", "a hard problem"]),
    ("2.37 s", "Chinese", ["今天天气", "我们去公园", "好", "on", "then the other fox says"]),
]
ALIGNED = [
    ("2.37 s", "The quick brown fox, jumps over the dog.", "English"),
    ("7 s", "今天天气很好,我们去公园 and walk it's fine.", "Chinese"),
    ("0.4 s", "hello", "English"),
    ("20 s", "Größe und Übermut: " * 6 + "Ende", "German"),
    ("30 s", "one two three four five six seven eight nine ten " * 3, "English"),
    ("4.1 s", "l'été où l'on s'aime", "French"),
]


def sampled(array):
    """A float array as {shape, step, data}: every `step`-th value, base64 of float32."""
    flat = np.ascontiguousarray(array, np.float32).reshape(-1)
    step = -(-flat.size // STORED)
    # A step that shares no factor with the row length visits every row and column.
    while step > 1 and any(step % size == 0 for size in (2, 5)):
        step += 1
    data = base64.b64encode(flat[::step].tobytes()).decode()
    return {"shape": list(array.shape), "step": step, "data": data}


class Reference:
    def __init__(self, checkpoint):
        model = load_checkpoint(checkpoint).float()
        model.thinker.set_attn_implementation("eager")
        use_windows(model)
        self.model, self.processor = model, make_processor(checkpoint / "tokenizer.json")
        self.wrapper = Qwen3ASRModel("transformers", model, self.processor)
        tokenizer = self.processor.tokenizer
        self.ends = [tokenizer.convert_tokens_to_ids(token) for token in ("<|im_end|>", "<|endoftext|>")]

    def prepare(self, clip, context, language):
        text = self.wrapper._build_text_prompt(context, language)
        audio = clip.astype(np.float32) / 32_768
        return self.processor(text=[text], audio=[audio], return_tensors="pt", padding=True)

    @torch.no_grad()
    def encode(self, inputs):
        frames = inputs["feature_attention_mask"].sum(-1)
        features = inputs["input_features"][0, :, : frames[0]]
        return features, self.model.thinker.audio_tower(features, feature_lens=frames).last_hidden_state

    def generate(self, inputs, budget):
        """Token ids of every row, its end token included."""
        output = self.model.generate(
            **inputs, max_new_tokens=budget, eos_token_id=self.ends, pad_token_id=self.ends[1]
        ).sequences[:, inputs["input_ids"].shape[1] :]
        rows = []
        for row in output.tolist():
            stop = next((place for place, token in enumerate(row) if token in self.ends), len(row) - 1)
            rows.append(row[: stop + 1])
        return rows

    def together(self, rows):
        """One padded batch of single inputs: text on the left, features on the right."""
        pad = self.processor.tokenizer.pad_token_id
        longest = max(row["input_ids"].shape[1] for row in rows)
        frames = max(row["input_features"].shape[2] for row in rows)
        left = lambda tensor, value: torch.nn.functional.pad(tensor, (longest - tensor.shape[1], 0), value=value)
        right = lambda tensor: torch.nn.functional.pad(tensor, (0, frames - tensor.shape[-1]))
        return BatchFeature(
            {
                "input_ids": torch.cat([left(row["input_ids"], pad) for row in rows]),
                "attention_mask": torch.cat([left(row["attention_mask"], 0) for row in rows]),
                "input_features": torch.cat([right(row["input_features"]) for row in rows]),
                "feature_attention_mask": torch.cat([right(row["feature_attention_mask"]) for row in rows]),
            }
        )


def budget_of(samples):
    return -(-samples * TOKENS_PER_SECOND // RATE) + SPARE_TOKENS


def make_rows(reference, clips):
    rows, inputs = [], []
    for name, context, language in [(name, "", None) for name in CLIPS] + EXTRA:
        prepared = reference.prepare(clips[name], context, language)
        budget = budget_of(len(clips[name]))
        features, embeddings = reference.encode(prepared)
        (tokens,) = reference.generate(prepared, budget)
        text_tokens = [token for token in tokens if token not in reference.ends]
        raw = reference.processor.batch_decode(
            [tokens], skip_special_tokens=True, clean_up_tokenization_spaces=False
        )[0]
        found, text = parse_asr_output(raw, language)
        row = {
            "clip": name, "context": context, "language": language, "budget": budget,
            "prompt": prepared["input_ids"][0].tolist(), "tokens": tokens,
            "truncated": len(text_tokens) == len(tokens), "raw": raw, "answer": [found, text],
        }  # fmt: skip
        if not context and language is None:
            row |= {"features": sampled(features.numpy()), "embeddings": sampled(embeddings.numpy())}
        rows.append(row)
        inputs.append(prepared)
    check_batches(reference, rows, inputs)
    return rows


def check_batches(reference, rows, inputs):
    """The official batch must say what the official rows say alone."""
    shortest = min(row["budget"] for row in rows)
    for size in (2, 5, 16, len(rows)):
        answers = reference.generate(reference.together(inputs[:size]), shortest)
        for row, answer in zip(rows, answers):
            assert answer == row["tokens"][: len(answer)] and len(answer) >= min(shortest, len(row["tokens"])), row["clip"]


@torch.no_grad()
def make_weights(reference, clips):
    """Log of each phrase's probability among those of its list, the end token included."""
    weights = []
    for name, language, phrases in WEIGHED:
        sums = []
        for phrase in phrases:
            prepared = reference.prepare(clips[name], "", language)
            said = reference.processor.tokenizer(phrase)["input_ids"] + reference.ends[:1]
            length = prepared["input_ids"].shape[1]
            prepared["input_ids"] = torch.cat([prepared["input_ids"], torch.tensor([said])], 1)
            prepared["attention_mask"] = torch.ones_like(prepared["input_ids"])
            logits = reference.model.thinker(**prepared).logits[0, length - 1 : -1].double().log_softmax(-1)
            sums.append(float(logits[range(len(said)), said].sum()))
        among = torch.tensor(sums, dtype=torch.float64).log_softmax(0).tolist()
        weights.append({"clip": name, "language": language, "phrases": phrases, "scores": among})
    return weights


def make_alignments(reference, clips):
    aligner = Qwen3ForcedAligner(reference.model, reference.processor, Qwen3ForceAlignProcessor())
    alignments = []
    for name, text, language in ALIGNED:
        (result,) = aligner.align((clips[name].astype(np.float32) / 32_768, RATE), text, language)
        words = [[item.text, item.start_time, item.end_time] for item in result]
        alignments.append({"clip": name, "text": text, "language": language, "words": words})
    return alignments


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("aligner", type=Path)
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    clips, reference = all_clips(), Reference(options.checkpoint)
    golden = {
        "clips": {name: list(what) for name, what in CLIPS.items()},
        "checks": {name: int(np.abs(clip.astype(np.int64)).sum()) for name, clip in clips.items()},
        "rows": make_rows(reference, clips),
        "weights": make_weights(reference, clips),
        "alignments": make_alignments(Reference(options.aligner), clips),
    }
    options.file.parent.mkdir(parents=True, exist_ok=True)
    options.file.write_bytes(gzip.compress(json.dumps(golden, ensure_ascii=False).encode(), mtime=0))


if __name__ == "__main__":
    main()
