"""The audio encoder as an ONNX graph over windows of at most eight seconds.

Attention never leaves a window of 8 chunks (104 tokens), and positions restart in every chunk, so that a window is a row
of its own: windows of all clips of a batch run together. Inputs: `features` float32 [windows, 128, frames], frames a
multiple of 100, zero behind a window's end; `widths` int64 [windows], frames that the convolutions may see (a clip below
one second is convolved at its own width, a tail behind full chunks at 100); `tokens` int64 [windows], valid tokens.
Output: `embeddings` float32 [windows, tokens, hidden].
"""

import math

import numpy as np

from graph import ints

CHUNK = 100
CHUNKS = 8
TOKENS = 13
MASKED = -30_000.0


def build_encoder(graph, tower):
    """Fills the graph from the official encoder module."""
    config = tower.config
    features = graph.input("features", np.float32, ["windows", config.num_mel_bins, "frames"])
    widths = graph.input("widths", np.int64, ["windows"])
    tokens = graph.input("tokens", np.int64, ["windows"])
    embeddings = encode_windows(graph, tower, features, widths, tokens)
    graph.output("embeddings", embeddings, np.float32, ["windows", "places", config.output_dim])


def encode_windows(graph, tower, features, widths, tokens):
    """float32 [windows, tokens, hidden] of the values that the inputs are."""
    config = tower.config
    width, heads = config.d_model, config.encoder_attention_heads
    windows = graph.shape(features, 0)
    by_chunk = graph.reshape(graph.into(features), windows, config.num_mel_bins, -1, CHUNK)
    chunks = graph.shape(by_chunk, 2)
    value = graph.reshape(graph.transpose(by_chunk, 0, 2, 1, 3), -1, 1, config.num_mel_bins, CHUNK)
    for index, conv in enumerate((tower.conv2d1, tower.conv2d2, tower.conv2d3)):
        value = convolution(graph, value, f"encoder.conv{index + 1}", conv)
        if index < 2:
            value = graph.op("Mul", value, seen_frames(graph, widths, chunks, 2 ** (index + 1)))
    value = graph.reshape(graph.transpose(value, 0, 3, 1, 2), -1, TOKENS, tower.conv_out.in_features)
    value = graph.linear(value, "encoder.conv_out", numpy(tower.conv_out.weight))
    positions = numpy(tower.positional_embedding.positional_embedding[:TOKENS])
    value = graph.reshape(graph.op("Add", value, graph.parameter("encoder.positions", positions)), windows, -1, width)

    places = graph.op("Range", np.array(0, np.int64), graph.op("Squeeze", graph.shape(value, 1)), np.array(1, np.int64))
    outside = graph.op("GreaterOrEqual", places, graph.op("Unsqueeze", tokens, ints(1)))
    mask = graph.op("Mul", graph.cast(outside, graph.inside), graph.number(MASKED))
    mask = graph.op("Unsqueeze", mask, ints(1, 2))
    for index, layer in enumerate(tower.layers):
        value = block(graph, value, mask, heads, f"encoder.{index}", layer)
    value = graph.layer_norm(value, "encoder.ln_post", numpy(tower.ln_post.weight), numpy(tower.ln_post.bias))
    value = graph.gelu(graph.linear(value, "encoder.proj1", numpy(tower.proj1.weight), numpy(tower.proj1.bias)))
    return graph.out_of(graph.linear(value, "encoder.proj2", numpy(tower.proj2.weight), numpy(tower.proj2.bias)))


def convolution(graph, value, name, conv):
    weight, bias = graph.parameter(f"{name}.weight", numpy(conv.weight)), graph.parameter(f"{name}.bias", numpy(conv.bias))
    answer = graph.op("Conv", value, weight, bias, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    return graph.gelu(answer)


def seen_frames(graph, widths, chunks, stride):
    """1 where the convolution's output at this stride comes from within the width, else 0: [windows * chunks, 1, 1, n]."""
    steps = -(-CHUNK // stride)
    starts = CHUNK * np.arange(CHUNKS)[:, None] + stride * np.arange(steps)[None]
    starts = graph.op("Slice", starts.astype(np.int64), ints(0), chunks)
    seen = graph.op("Less", starts, graph.op("Unsqueeze", widths, ints(1, 2)))
    return graph.cast(graph.reshape(seen, -1, 1, 1, steps), graph.inside)


def block(graph, value, mask, heads, name, layer):
    attention = layer.self_attn
    head = attention.head_dim
    norm = graph.layer_norm(
        value, f"{name}.norm1", numpy(layer.self_attn_layer_norm.weight), numpy(layer.self_attn_layer_norm.bias)
    )
    layers = {
        f"{name}.{part}": (numpy(projection.weight), numpy(projection.bias))
        for part, projection in (("q", attention.q_proj), ("k", attention.k_proj), ("v", attention.v_proj))
    }
    q, k, v = (graph.reshape(part, 0, 0, heads, head) for part in graph.products(norm, layers).values())
    q, k, v = graph.transpose(q, 0, 2, 1, 3), graph.transpose(k, 0, 2, 3, 1), graph.transpose(v, 0, 2, 1, 3)
    scores = graph.op("MatMul", graph.op("Mul", q, graph.number(1 / math.sqrt(head))), k)
    weights = graph.op("Softmax", graph.op("Add", scores, mask), axis=-1)
    mixed = graph.reshape(graph.transpose(graph.op("MatMul", weights, v), 0, 2, 1, 3), 0, 0, heads * head)
    mixed = graph.linear(mixed, f"{name}.out", numpy(attention.out_proj.weight), numpy(attention.out_proj.bias))
    value = graph.op("Add", value, mixed)
    norm = graph.layer_norm(
        value, f"{name}.norm2", numpy(layer.final_layer_norm.weight), numpy(layer.final_layer_norm.bias)
    )
    inner = graph.gelu(graph.linear(norm, f"{name}.fc1", numpy(layer.fc1.weight), numpy(layer.fc1.bias)))
    value = graph.op("Add", value, graph.linear(inner, f"{name}.fc2", numpy(layer.fc2.weight), numpy(layer.fc2.bias)))
    if graph.inside != np.float16:
        return value
    limit = float(np.finfo(np.float16).max) - 1_000
    return graph.op("Clip", value, graph.number(-limit), graph.number(limit))


def numpy(tensor):
    return tensor.detach().float().cpu().numpy()
