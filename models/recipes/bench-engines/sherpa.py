"""Random-weight models as graphs that sherpa-onnx reads.

sherpa-onnx reads no checkpoint: for each kind of model it has an interface of named, ordered inputs and outputs, and publishes
graphs made to it by scripts that its package does not have. These are made to the same interface by this recipe, and quantised as
the published ones are: 8 bits by ONNX Runtime's dynamic quantisation.

Whisper (opset 17, matrix products with constant weights in int8; the head multiplies from the left and stays float32):
    encoder: mel [n, mels, T] → n_layer_cross_k, n_layer_cross_v [layers, n, T / 2, width]; its metadata describe the model
    decoder: tokens [n, t], in_n_layer_self_k_cache, in_n_layer_self_v_cache [layers, n, 448, width], the encoder's two, offset [1]
        → logits [n, t, vocabulary] and both caches, whole
    tokens.txt: a token in base64 and its number on each line

Qwen3-ASR (encoder int8, decoder uint8 with its embedding, by channel; the convolutions float32):
    conv_frontend: features [1, T, 128] → [1, tokens, width]
    encoder: that, and bool [1, tokens] of those that count → [1, tokens, hidden]
    decoder: ids [1, t], the encoder's, mask [1, t], cache_position [t], key and value [1, room, heads, head] of each layer
        → logits [1, t, vocabulary], new keys and values [1, t, heads, head] of each layer
    tokenizer/: vocab.json, merges.txt, tokenizer_config.json
"""

import base64
import json
import math

import onnx
import torch
import torch.nn.functional as F
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn

OPSET = 17
# Frames of a chunk of Qwen3-ASR's convolutions, tokens that they make of it, tokens of a window of attention.
CHUNK, CHUNK_TOKENS, WINDOW = 100, 13, 104
# Places that a decoder of Qwen3-ASR has for a prompt and an answer.
ROOM = 512
MASKED = -1e4


def write(module, given, path, inputs, outputs, changing):
    with torch.no_grad():
        torch.onnx.export(
            module.eval(), given, str(path), input_names=inputs, output_names=outputs, dynamic_axes=changing, opset_version=OPSET,
            dynamo=False,
        )  # fmt: skip


# Whisper


def whisper_attention(attention, states, keys, values, mask=None):
    """Of openai-whisper's layer over keys and values [n, T, width]."""
    heads = attention.n_head

    def by_head(tensor):
        return tensor.view(*tensor.shape[:2], heads, -1).transpose(1, 2)

    queries = by_head(attention.query(states))
    scores = queries @ by_head(keys).transpose(2, 3) / math.sqrt(queries.shape[-1])
    weights = (scores if mask is None else scores + mask).softmax(-1)
    return attention.out((weights @ by_head(values)).transpose(1, 2).flatten(2))


class WhisperEncoder(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.encoder, self.crossings = model.encoder, nn.ModuleList(block.cross_attn for block in model.decoder.blocks)

    def forward(self, mel):
        encoder = self.encoder
        states = F.gelu(encoder.conv2(F.gelu(encoder.conv1(mel)))).transpose(1, 2)
        states = states + encoder.positional_embedding[: states.shape[1]]
        for block in encoder.blocks:
            normal = block.attn_ln(states)
            states = states + whisper_attention(block.attn, normal, block.attn.key(normal), block.attn.value(normal))
            states = states + block.mlp(block.mlp_ln(states))
        states = encoder.ln_post(states)
        return tuple(torch.stack([getattr(crossing, part)(states) for crossing in self.crossings]) for part in ("key", "value"))


class WhisperDecoder(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.decoder = model.decoder

    def forward(self, tokens, self_keys, self_values, cross_keys, cross_values, offset):
        decoder, start = self.decoder, offset[0]
        end = start + tokens.shape[1]
        states = decoder.token_embedding(tokens) + decoder.positional_embedding[start:end]
        mask = decoder.mask[start:end, :end]
        caches = ([], [])
        for index, block in enumerate(decoder.blocks):
            normal = block.attn_ln(states)
            seen = []
            for cache, made, before in ((caches[0], block.attn.key, self_keys), (caches[1], block.attn.value, self_values)):
                seen.append(torch.cat([before[index, :, :start], made(normal)], 1))
                cache.append(torch.cat([seen[-1], before[index, :, end:]], 1))
            states = states + whisper_attention(block.attn, normal, *seen, mask)
            normal = block.cross_attn_ln(states)
            states = states + whisper_attention(block.cross_attn, normal, cross_keys[index], cross_values[index])
            states = states + block.mlp(block.mlp_ln(states))
        states = decoder.ln(states)
        logits = (decoder.token_embedding.weight @ states.transpose(1, 2)).transpose(1, 2)
        return logits, torch.stack(caches[0]), torch.stack(caches[1])


def whisper_metadata(model, tokens):
    def listed(values):
        return ",".join(map(str, values))

    dims = model.dims
    return {
        "model_type": "whisper", "n_mels": dims.n_mels, "n_audio_ctx": dims.n_audio_ctx, "n_vocab": dims.n_vocab,
        "n_text_ctx": dims.n_text_ctx, "n_text_state": dims.n_text_state, "n_text_layer": dims.n_text_layer,
        "sot_sequence": listed(tokens.sot_sequence), "all_language_tokens": listed(tokens.all_language_tokens),
        "all_language_codes": listed(tokens.all_language_codes), "sot": tokens.sot, "eot": tokens.eot,
        "blank_id": tokens.encode(" ")[0], "is_multilingual": int(model.is_multilingual), "no_speech": tokens.no_speech,
        "transcribe": tokens.transcribe, "translate": tokens.translate, "no_timestamps": tokens.no_timestamps,
    }  # fmt: skip


def export_whisper(model, tokens, folder):
    """`model` is openai-whisper's, `tokens` its tokenizer."""
    dims = model.dims
    encoder, decoder = folder / "encoder.onnx", folder / "decoder.onnx"
    crossed = ["n_layer_cross_k", "n_layer_cross_v"]
    axes = {name: {1: "n", 2: "T"} for name in crossed}
    write(WhisperEncoder(model), (torch.zeros(1, dims.n_mels, 2_000),), encoder, ["mel"], crossed, {"mel": {0: "n", 2: "T"}} | axes)
    caches = [torch.zeros(dims.n_text_layer, 1, dims.n_text_ctx, dims.n_text_state) for _ in range(2)]
    crossings = [torch.zeros(dims.n_text_layer, 1, 1_000, dims.n_text_state) for _ in range(2)]
    names = ["in_n_layer_self_k_cache", "in_n_layer_self_v_cache"]
    write(
        WhisperDecoder(model), (torch.tensor([[tokens.sot] * 2]), *caches, *crossings, torch.tensor([3])), decoder,
        ["tokens", *names, *crossed, "offset"], ["logits", "out_n_layer_self_k_cache", "out_n_layer_self_v_cache"],
        {"tokens": {0: "n", 1: "t"}} | {name: {1: "n"} for name in names} | axes,
    )  # fmt: skip
    for path in (encoder, decoder):
        quantised = path.with_suffix(".int8.onnx")
        quantize_dynamic(path, quantised, op_types_to_quantize=["MatMul"], weight_type=QuantType.QInt8)
        path.unlink()
    described = onnx.load(folder / "encoder.int8.onnx")
    onnx.helper.set_model_props(described, {key: str(value) for key, value in whisper_metadata(model, tokens).items()})
    onnx.save(described, folder / "encoder.int8.onnx")
    # Special tokens too: what is not in the list is not counted among those that were said.
    said = [tokens.encoding.decode_single_token_bytes(number) for number in range(tokens.encoding.n_vocab)]
    (folder / "tokens.txt").write_text("".join(f"{base64.b64encode(word).decode()} {number}\n" for number, word in enumerate(said)))


# Qwen3-ASR


class QwenFrontend(nn.Module):
    def __init__(self, tower):
        super().__init__()
        self.convolutions = nn.ModuleList([tower.conv2d1, tower.conv2d2, tower.conv2d3])
        self.out = tower.conv_out

    def forward(self, features):
        padded = F.pad(features, (0, 0, 0, (CHUNK - features.shape[1] % CHUNK) % CHUNK))
        states = padded.reshape(-1, 1, CHUNK, features.shape[2]).transpose(2, 3)
        for convolution in self.convolutions:
            states = F.gelu(convolution(states))
        states = self.out(states.permute(0, 3, 1, 2).flatten(2))
        return states.reshape(1, -1, states.shape[-1])


class QwenEncoder(nn.Module):
    def __init__(self, tower):
        super().__init__()
        self.tower = tower

    def forward(self, states, counts):
        tower, tokens = self.tower, states.shape[1]
        positions = tower.positional_embedding.positional_embedding[torch.arange(tokens) % CHUNK_TOKENS]
        missing = (WINDOW - tokens % WINDOW) % WINDOW
        states = F.pad(states + positions, (0, 0, 0, missing)).reshape(-1, WINDOW, states.shape[2])
        outside = 1 - F.pad(counts.float(), (0, missing)).reshape(-1, 1, 1, WINDOW)
        for layer in tower.layers:
            states = states + self.attend(layer.self_attn, layer.self_attn_layer_norm(states), outside * MASKED)
            states = states + layer.fc2(F.gelu(layer.fc1(layer.final_layer_norm(states))))
        states = tower.ln_post(states.reshape(1, -1, states.shape[2])[:, :tokens])
        return tower.proj2(F.gelu(tower.proj1(states))) * counts.unsqueeze(-1).float()

    @staticmethod
    def attend(attention, states, mask):
        queries, keys, values = (
            part(states).reshape(-1, WINDOW, attention.num_heads, attention.head_dim).transpose(1, 2)
            for part in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        weights = (queries @ keys.transpose(2, 3) / math.sqrt(attention.head_dim) + mask).softmax(-1)
        return attention.out_proj((weights @ values).transpose(1, 2).flatten(2))


class QwenDecoder(nn.Module):
    def __init__(self, thinker, audio_token):
        super().__init__()
        config = thinker.config.text_config
        self.model, self.head, self.audio_token = thinker.model, thinker.lm_head, audio_token
        self.key_heads, self.size = config.num_key_value_heads, config.head_dim

    def forward(self, ids, audio, mask, positions, *caches):
        states = self.embed(ids, audio) * mask.unsqueeze(-1).float()
        angles = positions.float().unsqueeze(-1) * self.model.rotary_emb.inv_freq.float()
        turn = (angles.cos().unsqueeze(1), angles.sin().unsqueeze(1))
        # A past of nothing is one masked place.
        past = positions[0].clamp(min=1)
        hidden = torch.cat([(positions[:1] == 0).expand(positions.shape[0]).unsqueeze(1).expand(-1, past), positions > positions.unsqueeze(1)], 1)
        new = []
        for layer, keys, values in zip(self.model.layers, caches[0::2], caches[1::2]):
            mixed, *made = self.attend(layer.self_attn, layer.input_layernorm(states), turn, hidden.float() * MASKED, keys[:, :past], values[:, :past])
            states = states + mixed
            states = states + layer.mlp(layer.post_attention_layernorm(states))
            new += made
        return self.head(self.model.norm(states)), *new

    def embed(self, ids, audio):
        spoken = ids == self.audio_token
        rank = torch.minimum((spoken.long().cumsum(1) - 1).clamp(min=0), torch.tensor(audio.shape[1]) - 1)
        return torch.where(spoken.unsqueeze(-1), audio[:, rank[0]], self.model.embed_tokens(ids))

    def attend(self, attention, states, turn, mask, past_keys, past_values):
        places = states.shape[1]
        queries = self.turned(attention.q_norm(attention.q_proj(states).reshape(1, places, -1, self.size)), turn)
        keys = self.turned(attention.k_norm(attention.k_proj(states).reshape(1, places, -1, self.size)), turn)
        values = attention.v_proj(states).reshape(1, places, -1, self.size)
        # [1, key heads, queries of a head, places, size]
        grouped = queries.reshape(1, places, self.key_heads, -1, self.size).permute(0, 2, 3, 1, 4)
        seen = torch.cat([past_keys, keys], 1).permute(0, 2, 3, 1).unsqueeze(2)
        weights = (grouped @ seen / math.sqrt(self.size) + mask).softmax(-1)
        mixed = weights @ torch.cat([past_values, values], 1).transpose(1, 2).unsqueeze(2)
        return attention.o_proj(mixed.permute(0, 3, 1, 2, 4).reshape(1, places, -1)), keys, values

    def turned(self, tensor, turn):
        cosine, sine = turn
        first, second = tensor[..., : self.size // 2], tensor[..., self.size // 2 :]
        return torch.cat([first * cosine - second * sine, second * cosine + first * sine], -1)


def export_qwen(model, tokenizer, folder):
    """`model` is qwen-asr's, `tokenizer` a description of tokenizers."""
    thinker = model.thinker
    config = thinker.config.text_config
    frontend, encoder, decoder = (folder / f"{name}.onnx" for name in ("conv_frontend", "encoder", "decoder"))
    width = thinker.audio_tower.config.d_model
    write(
        QwenFrontend(thinker.audio_tower), (torch.zeros(1, 950, 128),), frontend, ["input_features"], ["conv_output"],
        {"input_features": {1: "T"}, "conv_output": {1: "tokens"}},
    )  # fmt: skip
    given = (torch.zeros(1, 130, width), torch.ones(1, 130, dtype=torch.bool))
    names = ["input_features", "feature_attention_mask"]
    axes = {name: {1: "tokens"} for name in [*names, "audio_features"]}
    write(QwenEncoder(thinker.audio_tower), given, encoder, names, ["audio_features"], axes)
    layers = range(config.num_hidden_layers)
    caches = [f"cache_{part}_{layer}" for layer in layers for part in ("key", "value")]
    made = [f"{part}_delta_{layer}" for layer in layers for part in ("key", "value")]
    given = (
        torch.tensor([[thinker.config.audio_token_id] * 4]), torch.zeros(1, 4, config.hidden_size), torch.ones(1, 4, dtype=torch.long),
        torch.arange(4), *(torch.zeros(1, ROOM, config.num_key_value_heads, config.head_dim) for _ in caches),
    )  # fmt: skip
    axes = {"input_ids": {1: "t"}, "audio_features": {1: "tokens"}, "attention_mask": {1: "t"}, "cache_position": {0: "t"}, "logits": {1: "t"}}
    axes |= {name: {1: "room"} for name in caches} | {name: {1: "t"} for name in made}
    apart = folder / "float32"
    apart.mkdir()
    inputs = ["input_ids", "audio_features", "attention_mask", "cache_position", *caches]
    write(QwenDecoder(thinker, thinker.config.audio_token_id), given, apart / decoder.name, inputs, ["logits", *made], axes)
    quantize_dynamic(encoder, encoder.with_suffix(".int8.onnx"), weight_type=QuantType.QInt8, per_channel=True)
    quantize_dynamic(apart / decoder.name, decoder.with_suffix(".int8.onnx"), weight_type=QuantType.QUInt8, per_channel=True)
    encoder.unlink()
    for file in apart.iterdir():
        file.unlink()
    apart.rmdir()
    write_tokenizer(tokenizer, folder / "tokenizer")


def write_tokenizer(description, folder):
    """tokenizers' one file as the three of Qwen's folder."""
    folder.mkdir()
    added = {str(token["id"]): {"content": token["content"]} for token in description["added_tokens"]}
    (folder / "vocab.json").write_text(json.dumps(description["model"]["vocab"], ensure_ascii=False))
    (folder / "merges.txt").write_text("".join(f"{left} {right}\n" for left, right in description["model"]["merges"]))
    (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": added}))
