"""Checkpoints of the true sizes with random weights, and the same weights as every engine of the bench wants them.

    python weights.py whisper-base|whisper-small|qwen3-asr-0.6b FOLDER

Makes FOLDER/<model>/ with `transformers/` (the checkpoint), `parlance/`, `sherpa/` (int8) and, for Whisper, `ctranslate2/` (int8)
and `optimum/` (float32 and the eight bits of transformers.js). A part that exists is kept; all is seeded.

Random weights must not end a text: the bench has every engine say the same number of tokens. The rows of the end
tokens in the embedding, which is also the head, are made so small that another token is always likelier, and the manifest says
how many tokens Parlance stops after.
"""

import json
import shutil
import sys
from pathlib import Path

import torch

RECIPES = Path(__file__).resolve().parent.parent
sys.path.append(str(RECIPES / "shared"))

from manifest_file import amend  # noqa: E402
from whole_folder import made  # noqa: E402

SEED = 7
# Tokens that every engine says for a segment: the bench has the same numbers. Qwen3-ASR's budget is 64 and what the audio adds.
TOKENS = {"whisper": 60, "qwen3-asr": 65}
QUIET = 1e-3


def whisper(name, root):
    sys.path.insert(0, str(RECIPES / "whisper"))
    import export
    import published_layout
    import true_size

    def model():
        random = true_size.random_model(name.removeprefix("whisper-"), SEED)
        with torch.no_grad():
            random.decoder.token_embedding.weight[export.tokenizer_of(random).eot] *= QUIET
        return random

    def parlance(folder):
        export.export(model(), folder, ["int8"], name, source="random weights")
        amend(folder, "whisper", maxTokens=TOKENS["whisper"], temperatures=[0])

    def transformers(folder):
        published_layout.save_transformers(model(), folder)
        words, _ = export_vocabulary()
        # onnx-asr reads the slow tokenizer's files.
        (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
        added = json.loads((folder / "tokenizer.json").read_text())["added_tokens"]
        (folder / "added_tokens.json").write_text(json.dumps({token["content"]: token["id"] for token in added}))

    def export_vocabulary():
        import tokens

        return tokens.vocabulary(True)

    def ctranslate2(folder):
        from ctranslate2.converters import TransformersConverter

        converter = TransformersConverter(str(root / "transformers"), copy_files=["tokenizer.json", "preprocessor_config.json"])
        converter.convert(str(folder), quantization="int8", force=True)

    def optimum(folder):
        from onnxruntime.quantization import QuantType, quantize_dynamic

        published_layout.export(root / "transformers", folder / "onnx")
        for path in (folder / "onnx").glob("*.json"):
            path.rename(folder / path.name)
        for file in ("vocab.json", "added_tokens.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"):
            shutil.copy(root / "transformers" / file, folder / file)
        for graph in ("encoder_model", "decoder_model_merged"):
            # As the script of transformers.js does it.
            quantize_dynamic(
                folder / "onnx" / f"{graph}.onnx", folder / "onnx" / f"{graph}_quantized.onnx", weight_type=QuantType.QUInt8,
                extra_options={"EnableSubgraph": True},
            )  # fmt: skip

    def sherpa(folder):
        import sherpa

        random = model()
        sherpa.export_whisper(random, export.tokenizer_of(random), folder)

    for make in (transformers, parlance, ctranslate2, optimum, sherpa):
        made(root / make.__name__, make)


def qwen3_asr(name, root):
    sys.path.insert(0, str(RECIPES / "qwen3-asr"))
    import checkpoint
    import export

    def transformers(folder):
        tokenizer = checkpoint.make_full_tokenizer()
        model = checkpoint.make_model("0.6b", tokenizer, SEED)
        with torch.no_grad():
            for end in ("<|im_end|>", "<|endoftext|>"):
                model.thinker.model.embed_tokens.weight[tokenizer.token_to_id(end)] *= QUIET
        checkpoint.save(model, tokenizer, folder)

    def parlance(folder):
        export.export(root / "transformers", folder, name, formats=["int8"], source="random weights")
        amend(folder, "qwen3-asr", tokensPerSecond=1e-6)

    def sherpa(folder):
        import sherpa

        tokenizer = json.loads((root / "transformers" / "tokenizer.json").read_text())
        sherpa.export_qwen(export.load_checkpoint(root / "transformers"), tokenizer, folder)

    for make in (transformers, parlance, sherpa):
        made(root / make.__name__, make)


def main():
    name, folder = sys.argv[1:]
    (qwen3_asr if name.startswith("qwen3") else whisper)(name, Path(folder).resolve() / name)


if __name__ == "__main__":
    main()
