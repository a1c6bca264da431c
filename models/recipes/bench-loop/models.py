"""Models of the true sizes with random weights in Parlance's layout, with every way of decoding in float32 and float16.

    python models.py qwen3-asr-0.6b|whisper-small|whisper-large-v3-turbo FOLDER ENGINES

Makes FOLDER/<model>/; what exists is kept, all is seeded. ENGINES: where bench:engines keeps its models; its checkpoint of
Qwen3-ASR is read instead of being made again. The end of the text is made unlikely, so that every row says its whole budget.
"""

import sys
import tempfile
from pathlib import Path

import torch

RECIPES = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(RECIPES / "bench-engines"))

from weights import QUIET, SEED, made  # noqa: E402

FORMATS = ["float32", "float16"]


def whisper(name, folder):
    sys.path.insert(0, str(RECIPES / "whisper"))
    import export
    import true_size

    model = true_size.random_model(name.removeprefix("whisper-"), SEED)
    with torch.no_grad():
        model.decoder.token_embedding.weight[export.tokenizer_of(model).eot] *= QUIET
    export.export(model, folder, FORMATS, name, source="random weights", loops=FORMATS)


def qwen3_asr(name, folder, engines):
    sys.path.insert(0, str(RECIPES / "qwen3-asr"))
    import checkpoint
    import export

    def export_from(transformers):
        export.export(transformers, folder, name, formats=FORMATS, source="random weights", every_way=True)

    if (engines / name / "transformers").exists():
        return export_from(engines / name / "transformers")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        tokenizer = checkpoint.make_full_tokenizer()
        model = checkpoint.make_model("0.6b", tokenizer, SEED)
        with torch.no_grad():
            for end in ("<|im_end|>", "<|endoftext|>"):
                model.thinker.model.embed_tokens.weight[tokenizer.token_to_id(end)] *= QUIET
        checkpoint.save(model, tokenizer, Path(scratch))
        return export_from(Path(scratch))


def main():
    name, folder, engines = sys.argv[1], Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    make = (lambda out: qwen3_asr(name, out, engines)) if name.startswith("qwen3") else (lambda out: whisper(name, out))
    made(folder / name, make)


if __name__ == "__main__":
    main()
