"""A checkpoint in the layouts in which others publish Qwen3-ASR as ONNX: for tests that such folders load as they are.

    python published.py CHECKPOINT FOLDER

Writes FOLDER/split (encoder, decoder_init, decoder_step; the names and tensors of andrewleech/qwen3-asr-*-onnx) and
FOLDER/merged (encoder, decoder_merged; those of rhasspy/qwen3-asr-*-merged), in float32. One clip at a time; keys and
values of all layers are one tensor and go out whole.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from decoder import Decoder
from encoder import CHUNK, CHUNKS, TOKENS, encode_windows, numpy
from export import export_tokenizer, load_checkpoint
from graph import Graph, WeightFile, ints

WINDOW = CHUNK * CHUNKS


def build_clip_encoder(graph, tower):
    """`mel` [1, mels, frames] of any length to `audio_features` [1, tokens, hidden]; a short clip is padded to a second."""
    config = tower.config
    mel = graph.input("mel", np.float32, [1, config.num_mel_bins, "frames"])
    frames = graph.shape(mel, 2)
    missing = graph.op("Mod", graph.op("Neg", frames), ints(WINDOW))
    padded = graph.op("Pad", mel, graph.op("Concat", ints(0, 0, 0, 0, 0), missing, axis=0))
    windows = graph.transpose(graph.reshape(padded, config.num_mel_bins, -1, WINDOW), 1, 0, 2)
    starts = graph.op("Range", np.array(0, np.int64), graph.op("Squeeze", frames), np.array(WINDOW, np.int64))
    own = graph.op("Min", graph.op("Sub", frames, starts), ints(WINDOW))
    widths = graph.op("Mul", graph.op("Div", graph.op("Add", own, ints(CHUNK - 1)), ints(CHUNK)), ints(CHUNK))
    embeddings = encode_windows(graph, tower, windows, widths, token_count(graph, own))
    flat = graph.reshape(embeddings, 1, -1, config.output_dim)
    valid = graph.op("Slice", flat, ints(0), token_count(graph, frames), ints(1))
    graph.output("audio_features", valid, np.float32, [1, "tokens", config.output_dim])


def token_count(graph, frames):
    full = graph.op("Div", frames, ints(CHUNK))
    rest = graph.op("Mod", frames, ints(CHUNK))
    for _ in range(3):
        rest = graph.op("Div", graph.op("Add", rest, ints(1)), ints(2))
    return graph.op("Add", graph.op("Mul", full, ints(TOKENS)), rest)


class PublishedDecoder(Decoder):
    """The decoder between stacked keys and values."""

    def run(self, value, positions, new_mask, past=None, past_mask=None):
        graph, made = self.graph, []
        rotation = self.rotation(positions)
        for index in range(len(self.layers)):
            before = None
            if past is not None:
                before = [graph.op("Squeeze", graph.op("Slice", part, ints(index), ints(index + 1)), ints(0)) for part in past]
            value, *new = self.layer(index, value, rotation, new_mask, before and (*before, past_mask))
            if before is not None:
                new = [graph.op("Concat", old, added, axis=2) for old, added in zip(before, new)]
            made.append([graph.op("Unsqueeze", tensor, ints(0)) for tensor in new])
        vocabulary = self.thinker.lm_head.out_features
        value = graph.op("Reshape", value, graph.dims(rotation.batch, rotation.places, self.hidden))
        graph.output("logits", self.logits(value), np.float32, ["batch", "places", vocabulary])
        for name, tensors in zip(("present_keys", "present_values"), zip(*made)):
            dims = [len(self.layers), "batch", self.kv_heads, "total", self.head]
            graph.output(name, graph.op("Concat", *tensors, axis=0), np.float32, dims)

    def past_inputs(self):
        dims = [len(self.layers), "batch", self.kv_heads, "past", self.head]
        return [self.graph.input(name, np.float32, dims) for name in ("past_keys", "past_values")]


def build_init(graph, thinker):
    decoder = PublishedDecoder(graph, thinker)
    ids = graph.input("input_ids", np.int64, ["batch", "places"])
    positions = graph.input("position_ids", np.int64, ["batch", "places"])
    audio = graph.input("audio_features", np.float32, ["batch", "tokens", decoder.hidden])
    offset = graph.input("audio_offset", np.int64, [1])
    length, tokens = graph.shape(ids, 1), graph.shape(audio, 1)
    places = graph.op("Range", np.array(0, np.int64), graph.op("Squeeze", length), np.array(1, np.int64))
    inside = graph.op("Sub", places, offset)
    spoken = graph.op("And", graph.op("GreaterOrEqual", inside, ints(0)), graph.op("Less", inside, tokens))
    nearest = graph.op("Min", graph.op("Max", inside, ints(0)), graph.op("Sub", tokens, ints(1)))
    rows = graph.op("Gather", audio, nearest, axis=1)
    value = graph.op("Where", graph.op("Unsqueeze", spoken, ints(1)), rows, decoder.embed_tokens(ids))
    decoder.run(value, positions, decoder.causal_mask(length, graph.constant(ints(0))))


def build_step(graph, thinker):
    decoder = PublishedDecoder(graph, thinker)
    value = graph.input("input_embeds", np.float32, ["batch", 1, decoder.hidden])
    positions = graph.input("position_ids", np.int64, ["batch", 1])
    nothing_hidden = np.zeros((1, 1, 1, 1, 1), np.float32)
    decoder.run(value, positions, nothing_hidden, decoder.past_inputs(), nothing_hidden[0])


def build_merged(graph, thinker):
    decoder = PublishedDecoder(graph, thinker)
    value = graph.input("input_embeds", np.float32, ["batch", "places", decoder.hidden])
    positions = graph.input("position_ids", np.int64, ["batch", "places"])
    mask = graph.input("attention_mask", np.float32, [1, 1, "places", "total"])
    past = decoder.past_inputs()
    before = graph.shape(past[0], 3)
    old = graph.op("Slice", mask, ints(0), before, ints(3))
    new = graph.op("Slice", mask, before, ints(2**31), ints(3))
    # The queries of a group are rows of one product.
    old = graph.op("Concat", *[old] * decoder.group, axis=2)
    decoder.run(value, positions, graph.op("Unsqueeze", new, ints(2)), past, old)


def write_common(checkpoint, model, folder):
    """Tokenizer, embeddings in half precision, and the sizes."""
    export_tokenizer(checkpoint, folder)
    embeddings = numpy(model.thinker.model.embed_tokens.weight).astype(np.float16)
    embeddings.tofile(folder / "embed_tokens.bin")
    audio, text = model.config.thinker_config.audio_config, model.config.thinker_config.text_config
    config = {
        "model_type": "qwen3_asr",
        "encoder": {"num_layers": audio.encoder_layers, "output_dim": audio.output_dim, "num_mel_bins": 128},
        "decoder": {
            "num_layers": text.num_hidden_layers, "hidden_size": text.hidden_size, "head_dim": text.head_dim,
            "num_attention_heads": text.num_attention_heads, "num_key_value_heads": text.num_key_value_heads,
            "vocab_size": text.vocab_size,
        },
        "embed_tokens_dtype": "float16",
        "embed_tokens_shape": list(embeddings.shape),
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def write(folder, weights, graphs):
    """`graphs` are {file: (part of the model, function that fills the graph)}; they share one data file."""
    weights = WeightFile(folder / weights)
    for name, (part, build) in graphs.items():
        graph = Graph(weights)
        build(graph, part)
        graph.save(folder / name, name.split(".")[0])
    weights.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    model = load_checkpoint(options.checkpoint)
    thinker = model.thinker
    split, merged = options.folder / "split", options.folder / "merged"
    for folder in (split, merged):
        write(folder, "encoder.onnx.data", {"encoder.onnx": (thinker.audio_tower, build_clip_encoder)})
        write_common(options.checkpoint, model, folder)
    decoders = {"decoder_init.onnx": (thinker, build_init), "decoder_step.onnx": (thinker, build_step)}
    write(split, "decoder_weights.data", decoders)
    write(merged, "decoder_merged.onnx.data", {"decoder_merged.onnx": (thinker, build_merged)})


if __name__ == "__main__":
    main()
