"""A checkpoint of Qwen3-TTS as a model folder of Parlance.

    python export.py CHECKPOINT FOLDER --name qwen3-tts-0.6b-custom-voice [--formats float32 int8 int4 float16]

float32 has everything; int8 and int4 are for the CPU; float16 is for CUDA. The codec is float32, and float16 too in that format. The manifest
names every file with its size and SHA-256.
"""

import argparse
import shutil
from pathlib import Path

import numpy as np
import torch

from codec_decoder import build_codec_decoder
from encoders import build_codec_encoder, build_speaker_encoder
from official import Qwen3TTSModel
from parts import SpeechGraph, WeightFile, codec_rows, text_rows
from predictor import build_predictor
from talker import build_loop, build_talker

from manifest_file import write_manifest  # isort: skip

FORMATS = ("float32", "int8", "int4", "float16")
OPERATIONS = {"custom_voice": "custom_voice", "voice_design": "voice_design", "base": "voice_clone"}
# What the model cards say of the speakers.
VOICES = {
    "vivian": ("Vivian", "female", "Chinese"), "serena": ("Serena", "female", "Chinese"), "uncle_fu": ("Uncle Fu", "male", "Chinese"),
    "dylan": ("Dylan", "male", "Chinese"), "eric": ("Eric", "male", "Chinese"), "ryan": ("Ryan", "male", "English"),
    "aiden": ("Aiden", "male", "English"), "ono_anna": ("Ono Anna", "female", "Japanese"), "sohee": ("Sohee", "female", "Korean"),
}  # fmt: skip
DEFAULT_VOICE = "ryan"
LARGEST_BATCH, LONGEST_SECONDS = 16, 160


def load_checkpoint(folder):
    """The official wrapper, float32, with its own attention."""
    return Qwen3TTSModel.from_pretrained(str(folder), dtype=torch.float32, attn_implementation="eager")


def with_suffix(role, number_format):
    return role if number_format == "float32" else f"{role}.{number_format}"


class Folder:
    """What is written of one model, and under which roles."""

    def __init__(self, path, formats):
        self.path, self.formats, self.files, self.written = path, formats, {}, set()
        path.mkdir(parents=True, exist_ok=True)

    def write(self, weights_role, number_format, builders, everywhere=False):
        """`builders`: role to what fills its graph. `everywhere`: for every format that has none of its own. Answers what they answered."""
        inside = np.float16 if number_format == "float16" else np.float32
        weights = WeightFile(self.path / f"{with_suffix(weights_role, number_format)}.bin")
        answers = {}
        for role, build in builders.items():
            graph = SpeechGraph(weights, inside, number_format)
            answers[role] = build(graph)
            name = with_suffix(role, number_format)
            graph.save(self.path / f"{name}.onnx", role)
            self.add(role, f"{name}.onnx", number_format, everywhere)
        weights.close()
        self.add(weights_role, weights.path.name, number_format, everywhere)
        return answers

    def add(self, role, file, number_format, everywhere):
        """A file that serves every format has the plain role where there is a float32 format, else those of the formats it serves."""
        self.written.add(file)
        if not everywhere or "float32" in self.formats:
            self.files[with_suffix(role, number_format)] = file
            return
        for other in self.formats:
            self.files.setdefault(with_suffix(role, other), file)

    def write_rows(self, role, blocks, kind):
        with (self.path / f"{role}.bin").open("wb") as file:
            for block in blocks:
                block.astype(kind).tofile(file)
        self.written.add(f"{role}.bin")
        self.files[role] = f"{role}.bin"
        return self.path / f"{role}.bin"


def export_codec(folder, model):
    """The codec's decoder, and of a base model both encoders. Answers the size of the decoder's state."""
    codec = model.speech_tokenizer.model
    decoder = {"codecDecoder": lambda graph: build_codec_decoder(graph, codec.decoder)}
    if "float16" in folder.formats:
        size = folder.write("codecWeights", "float16", decoder)["codecDecoder"]
    if set(folder.formats) != {"float16"}:
        size = folder.write("codecWeights", "float32", decoder, everywhere=True)["codecDecoder"]
    if model.speaker_encoder is not None:
        count = codec.config.encoder_valid_num_quantizers
        encoders = {
            "codecEncoder": lambda graph: build_codec_encoder(graph, codec.encoder, count),
            "speakerEncoder": lambda graph: build_speaker_encoder(graph, model.speaker_encoder),
        }
        folder.write("encoderWeights", "float32", encoders, everywhere=True)
    return size


def export_model(model, path, formats):
    """Writes all but the tokenizer; answers the roles and the size of the codec's state."""
    folder, talker = Folder(path, formats), model.talker
    rows = codec_rows(talker)
    table_file = folder.write_rows("codecEmbeddings", [rows], np.float32)
    folder.write_rows("textEmbeddings", text_rows(talker), np.float32 if "float32" in formats else np.float16)
    end = model.config.talker_config.codec_eos_token_id
    for number_format in formats:
        builders = {
            "talker": lambda graph: build_talker(graph, talker),
            "predictor": lambda graph: build_predictor(graph, talker, graph.table(table_file, rows.shape)),
        }
        if number_format in ("float32", "float16"):
            builders["loop"] = lambda graph: build_loop(graph, talker, graph.table(table_file, rows.shape), end)
        folder.write("weights", number_format, builders)
    size = export_codec(folder, model)
    unused = folder.written - set(folder.files.values())
    assert not unused, f"no role reads {sorted(unused)}"
    return folder.files, size


def sampling_of(defaults):
    """How codes are drawn, as the checkpoint says it. The graphs know no `top_p`: what asks for one is not exported as something else."""
    for name in ("top_p", "subtalker_top_p"):
        if defaults.get(name, 1) != 1:
            raise ValueError(f"{name} is {defaults[name]}: codes are drawn by top_k alone")
    return {
        "temperature": defaults.get("temperature", 0.9), "topK": defaults.get("top_k", 50),
        "repetitionPenalty": defaults.get("repetition_penalty", 1.05),
        "predictorTemperature": defaults.get("subtalker_temperature", 0.9), "predictorTopK": defaults.get("subtalker_top_k", 50),
    }  # fmt: skip


def describe(model, defaults, state_size):
    """The section that the loader reads."""
    config = model.config
    talker = config.talker_config
    names = {True: {}, False: {}}
    for name, token in talker.codec_language_id.items():
        names["dialect" in name][name if "dialect" in name else name.capitalize()] = token
    speakers = {}
    for name, token in (talker.spk_id or {}).items():
        dialect = talker.spk_is_dialect.get(name)
        speakers[name] = {"token": token} | ({"dialect": dialect} if dialect else {})
    return {
        "kind": config.tts_model_type,
        "hidden": talker.hidden_size,
        "layers": talker.num_hidden_layers,
        "keyValueHeads": talker.num_key_value_heads,
        "headSize": model.talker.model.layers[0].self_attn.head_dim,
        "codes": talker.vocab_size,
        "codebooks": talker.num_code_groups,
        "codebookSize": talker.code_predictor_config.vocab_size,
        "textVocabulary": talker.text_vocab_size,
        "textTokens": {"ttsPad": config.tts_pad_token_id, "ttsBos": config.tts_bos_token_id, "ttsEos": config.tts_eos_token_id},
        "codecTokens": {
            "pad": talker.codec_pad_id, "bos": talker.codec_bos_id, "end": talker.codec_eos_token_id, "think": talker.codec_think_id,
            "noThink": talker.codec_nothink_id, "thinkBos": talker.codec_think_bos_id, "thinkEnd": talker.codec_think_eos_id,
        },
        "languageTokens": names[False],
        "dialectTokens": names[True],
        "speakers": speakers,
        "sampling": sampling_of(defaults),
        "codec": {
            "samplesPerFrame": model.speech_tokenizer.get_decode_upsample_rate(), "stateSize": state_size,
            "window": model.speech_tokenizer.model.decoder.config.sliding_window,
        },
    }  # fmt: skip


def describe_voices(model):
    """The section `tts`."""
    config = model.config
    known = config.talker_config.spk_id or {}
    voices = []
    for voice in known:
        name, gender, language = VOICES.get(voice, (voice.replace("_", " ").title(), "neutral", "English"))
        voices.append({"id": voice, "name": name, "gender": gender, "language": language})
    section = {"operations": [OPERATIONS[config.tts_model_type]], "voices": voices}
    if voices:
        section["defaultVoice"] = DEFAULT_VOICE if DEFAULT_VOICE in known else voices[0]["id"]
    follows = config.tts_model_type != "base" and config.tts_model_size != "0b6"
    return section | {"instructions": follows}


def export_tokenizer(wrapper, checkpoint, folder):
    made = checkpoint / "tokenizer.json"
    if made.exists():
        shutil.copyfile(made, folder / "tokenizer.json")
    else:
        (folder / "tokenizer.json").write_text(wrapper.processor.tokenizer.backend_tokenizer.to_str())


@torch.no_grad()
def export(checkpoint, folder, name, formats, source, version="1"):
    wrapper = load_checkpoint(checkpoint)
    model = wrapper.model
    files, state_size = export_model(model, folder, formats)
    export_tokenizer(wrapper, checkpoint, folder)
    section = describe(model, wrapper.generate_defaults, state_size)
    write_manifest(
        folder,
        name=name,
        version=version,
        family="tts",
        architecture="qwen3-tts",
        description=f"Qwen3-TTS ({section['kind'].replace('_', ' ')}), exported from {source}.",
        license="Apache-2.0",
        source=source,
        languages=list(section["languageTokens"]),
        sample_rate=model.speech_tokenizer.get_output_sample_rate(),
        files={role: folder / file for role, file in (files | {"tokenizer": "tokenizer.json"}).items()},
        limits={"maxSegmentSeconds": LONGEST_SECONDS, "maxBatchSize": LARGEST_BATCH},
        tts=describe_voices(model),
        **{"qwen3-tts": section},
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=["float32", "int8"])
    parser.add_argument("--source", default="Qwen/Qwen3-TTS")
    options = parser.parse_args()
    export(options.checkpoint, options.folder, options.name, options.formats, options.source)


if __name__ == "__main__":
    main()
