"""What transformers makes of scores before it draws a token, as golden outputs for shared/generation.

    python golden.py FILE

The list of processors is transformers' own for a GenerationConfig, in its own order. Scores are made by integer arithmetic,
so that both sides make the same ones.
"""

import argparse
import base64
import gzip
import json
from pathlib import Path

import numpy as np
import torch
from transformers import GenerationConfig, GenerationMixin

CASES = 400
SIZES = (7, 40, 300, 3_072)


class Random:
    """The linear congruential generator of Numerical Recipes, 32 bits."""

    def __init__(self, seed):
        self.state = seed

    def next(self, bits):
        """The highest `bits` bits of the next state."""
        self.state = (self.state * 1_664_525 + 1_013_904_223) % 2**32
        return self.state >> (32 - bits)


def make_scores(seed, size, step):
    """Multiples of 1 / step from -16 to 16: where the step is large, many are equal."""
    random = Random(seed)
    return np.array([(random.next(16) * 32 * step >> 16) / step - 16 for _ in range(size)], np.float32)


def make_case(index):
    choose = Random(1_000 + index)
    size = SIZES[index % len(SIZES)]
    seen = [choose.next(16) % size for _ in range(choose.next(5))]
    options = {
        "temperature": (1.0, 0.9, 0.3, 1.7, 0.0)[choose.next(8) % 5],
        "topK": (0, 1, 5, 50, 5_000)[choose.next(8) % 5],
        "topP": (1.0, 0.95, 0.8, 0.3, 0.01)[choose.next(8) % 5],
        "repetitionPenalty": (1.0, 1.05, 1.3, 0.8)[choose.next(8) % 4],
        "suppressed": [choose.next(16) % size for _ in range(choose.next(2))],
    }
    return {"size": size, "seed": index + 1, "step": (2_048, 2_048, 4)[index % 3], "seen": seen, "options": options}


def processed(case):
    """The scores that transformers would draw from, or take the largest of."""
    options = case["options"]
    sample = options["temperature"] > 0
    config = GenerationConfig(
        do_sample=sample,
        repetition_penalty=options["repetitionPenalty"],
        suppress_tokens=options["suppressed"] or None,
        eos_token_id=None,
        **(dict(temperature=options["temperature"], top_k=options["topK"], top_p=options["topP"]) if sample else {}),
    )
    processors = GenerationMixin()._get_logits_processor(config, device="cpu")
    scores = torch.from_numpy(make_scores(case["seed"], case["size"], case["step"]))[None]
    seen = torch.tensor([case["seen"]], dtype=torch.long)
    return processors(seen, scores)[0]


def splits_equals(case, scores):
    """Whether some of several equal scores went and others stayed: top-p leaves that to a sort that may order them anyhow."""
    without = processed(case | {"options": case["options"] | {"topP": 1.0}})
    stayed = without[torch.isfinite(scores)]
    went = without[~torch.isfinite(scores) & torch.isfinite(without)]
    return bool(torch.isin(went, stayed).any())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    cases = []
    for index in range(CASES):
        case = make_case(index)
        scores = processed(case)
        if case["options"]["temperature"] == 0:
            case["token"] = int(scores.argmax())
        else:
            if splits_equals(case, scores):
                continue
            probabilities = scores.softmax(-1)
            kept = torch.isfinite(scores).nonzero()[:, 0]
            # All of a large vocabulary would be a large file: the first ones tell as much.
            case["kept"] = len(kept)
            case["tokens"] = kept[:400].tolist()
            case["probabilities"] = base64.b64encode(probabilities[kept[:400]].numpy().tobytes()).decode()
        cases.append(case)
    written = gzip.compress(json.dumps(cases).encode(), mtime=0)
    options.file.write_bytes(written)
    print(len(cases), "cases,", len(written), "bytes")


if __name__ == "__main__":
    main()
