"""Whisper's two graphs in Parlance's own layout.

Encoder: `features` [batch, mels, 3000] → for every layer of the decoder `cross_key.<l>` [batch, heads, size, 1500] and
`cross_value.<l>` [batch, heads, 1500, size], computed once and shared by all beams; `states` [batch, 1500, width] for checks.

Decoder: a run adds N nodes to each row: the tokens of a prompt, or one token for each beam. All nodes of a row, whoever's
history they are, stand side by side in one cache of C places; masks say who sees whom. So beams never have their keys and
values moved, and share the cross attention's. Inputs: `tokens`, `positions` int32 [batch, N]; `past_mask` [batch, N, C]
and `mask` [batch, N, N], 0 or a large negative number; `past_key.<l>`, `past_value.<l>` [batch, heads, C, size]; the
encoder's outputs; `bias` [words], added to the words' scores; `select` int64 [batch, S], the nodes that scores are wanted
for; `k` int64 [1]. Outputs, for the selected nodes: `word_ids` int32 and `word_scores` [batch, S, k], the likeliest words
(ids below the end of text) and their log-probabilities among words; `word_total` [batch, S], the log of the sum of all
words' exponentials; `rest` [batch, S, others], the scores of all other tokens; `words` [batch, S, words], all scores, for
sampling. For all nodes: `key.<l>`, `value.<l>` [batch, heads, N, size]; `alignment` [batch, heads that align, N, 1500],
the cross attention's scores before their softmax.
"""

import numpy as np
from onnx import TensorProto

from onnx_graph import Graph


def encoder(model, path, compute):
    """Writes the graph and its weights; answers the Graph."""
    dims, weights = model.dims, {name: value.numpy() for name, value in model.state_dict().items()}
    width, heads = dims.n_audio_state, dims.n_audio_head
    graph = Graph("encoder", compute, path)
    x = graph.input("features", "float32", ["batch", dims.n_mels, 2 * dims.n_audio_ctx])
    for name, stride in (("encoder.conv1", 1), ("encoder.conv2", 2)):
        kernel, offset = (graph.floats(f"{name}.{part}", weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        x = graph.op("Gelu", graph.op("Conv", x, kernel, offset, kernel_shape=[3], pads=[1, 1], strides=[stride]))
    x = graph.op("Transpose", x, perm=[0, 2, 1])
    x = graph.op("Add", x, graph.floats("encoder.positional_embedding", weights["encoder.positional_embedding"]))
    for layer in range(dims.n_audio_layer):
        block = f"encoder.blocks.{layer}"
        h = graph.norm(x, f"{block}.attn_ln", weights)
        query, key, value = (graph.linear(h, f"{block}.attn.{part}", weights, part != "key") for part in ("query", "key", "value"))
        attended = graph.op("MultiHeadAttention", query, key, value, domain="com.microsoft", num_heads=heads)
        x = graph.op("Add", x, graph.linear(attended, f"{block}.attn.out", weights))
        x = graph.op("Add", x, feed_forward(graph, x, block, weights))
    x = graph.norm(x, "encoder.ln_post", weights)
    graph.output(x, "states", "float32", ["batch", dims.n_audio_ctx, width])
    heads, size = dims.n_text_head, dims.n_text_state // dims.n_text_head
    split = graph.constant([0, 0, heads, size])
    for layer in range(dims.n_text_layer):
        block = f"decoder.blocks.{layer}.cross_attn"
        for part, perm, shape in (("key", [0, 2, 3, 1], [size, dims.n_audio_ctx]), ("value", [0, 2, 1, 3], [dims.n_audio_ctx, size])):
            projected = graph.linear(x, f"{block}.{part}", weights, part == "value")
            turned = graph.op("Transpose", graph.op("Reshape", projected, split), perm=perm)
            graph.output(turned, f"cross_{part}.{layer}", "float32", ["batch", heads, *shape])
    graph.save()
    return graph


def feed_forward(graph, x, block, weights):
    h = graph.linear(graph.norm(x, f"{block}.mlp_ln", weights), f"{block}.mlp.0", weights)
    return graph.linear(graph.gelu(h), f"{block}.mlp.2", weights)


def decoder(model, path, compute, words):
    """`words`: how many ids are words, that is the id of the end of text."""
    dims, weights = model.dims, {name: value.numpy() for name, value in model.state_dict().items()}
    heads, width = dims.n_text_head, dims.n_text_state
    size, frames, others = width // heads, dims.n_audio_ctx, dims.n_vocab - words
    graph = Graph("decoder", compute, path)
    tokens = graph.input("tokens", "int32", ["batch", "N"])
    positions = graph.input("positions", "int32", ["batch", "N"])
    past_mask = graph.input("past_mask", "float32", ["batch", "N", "C"])
    mask = graph.input("mask", "float32", ["batch", "N", "N"])
    past = [[graph.input(f"past_{part}.{layer}", "float32", ["batch", heads, "C", size]) for part in ("key", "value")] for layer in range(dims.n_text_layer)]
    cross = [
        [graph.input(f"cross_key.{layer}", "float32", ["batch", heads, size, frames]), graph.input(f"cross_value.{layer}", "float32", ["batch", heads, frames, size])]
        for layer in range(dims.n_text_layer)
    ]
    bias = graph.input("bias", "float32", [words])
    select = graph.input("select", "int64", ["batch", "S"])
    k = graph.input("k", "int64", [1])

    embedding = weights["decoder.token_embedding.weight"]
    x = graph.op("Add", embed(graph, tokens, embedding, words), graph.op("Gather", graph.floats("decoder.positional_embedding", weights["decoder.positional_embedding"]), positions))
    one = graph.constant([1])
    past_mask, mask = graph.op("Unsqueeze", past_mask, one), graph.op("Unsqueeze", mask, one)
    places = graph.op("Concat", graph.op("Shape", past_mask, start=3, end=4), graph.op("Shape", mask, start=3, end=4), axis=0)
    split, joined = graph.constant([0, 0, heads, size]), graph.constant([0, 0, width])
    scale = size**-0.5

    def by_heads(value):
        return graph.op("Transpose", graph.op("Reshape", value, split), perm=[0, 2, 1, 3])

    def together(value):
        return graph.op("Reshape", graph.op("Transpose", value, perm=[0, 2, 1, 3]), joined)

    graph.alone(tokens)
    aligned, new = [], []
    alignment = model.alignment_heads.to_dense().numpy()
    for layer in range(dims.n_text_layer):
        block = f"decoder.blocks.{layer}"
        h = graph.norm(x, f"{block}.attn_ln", weights)
        query, key, value = (by_heads(graph.linear(h, f"{block}.attn.{part}", weights, part != "key")) for part in ("query", "key", "value"))
        new.append((key, value))
        before, now = (
            graph.op("Add", graph.op("FusedMatMul", query, keys, domain="com.microsoft", transB=1, alpha=scale), hidden)
            for keys, hidden in ((past[layer][0], past_mask), (key, mask))
        )
        shares = graph.op("Softmax", graph.op("Concat", before, now, axis=-1), axis=-1)
        before, now = graph.op("Split", shares, places, outputs=2, axis=-1)
        attended = graph.op("Add", graph.op("MatMul", before, past[layer][1]), graph.op("MatMul", now, value))
        x = graph.op("Add", x, graph.linear(together(attended), f"{block}.attn.out", weights))

        h = graph.norm(x, f"{block}.cross_attn_ln", weights)
        query = by_heads(graph.linear(h, f"{block}.cross_attn.query", weights))
        scores = graph.op("FusedMatMul", query, cross[layer][0], domain="com.microsoft", alpha=scale)
        chosen = np.flatnonzero(alignment[layer])
        if len(chosen) > 0:
            aligned.append(scores if len(chosen) == heads else graph.op("Gather", scores, graph.constant(chosen), axis=1))
        attended = graph.op("MatMul", graph.op("Softmax", scores, axis=-1), cross[layer][1])
        x = graph.op("Add", x, graph.linear(together(attended), f"{block}.cross_attn.out", weights))
        x = graph.op("Add", x, feed_forward(graph, x, block, weights))

    x = graph.norm(graph.op("GatherND", x, graph.op("Unsqueeze", select, graph.constant([2])), batch_dims=1), "decoder.ln", weights)
    graph.alone(select)
    scores = head(graph, x, "words", embedding, 0, words)
    rest = head(graph, x, "rest", embedding, words, len(embedding))
    biased = graph.op("Add", scores, bias)
    shares = graph.op("LogSoftmax", biased, axis=-1)
    best, ids = graph.op("TopK", shares, k, outputs=2, axis=-1, largest=1, sorted=1)
    last = graph.constant([-1])
    top = graph.op("Sub", graph.op("ReduceMax", biased, last, keepdims=0), graph.op("ReduceMax", best, last, keepdims=0))
    graph.output(graph.op("Cast", ids, to=TensorProto.INT32), "word_ids", "int32", ["batch", "S", "K"])
    graph.output(best, "word_scores", "float32", ["batch", "S", "K"])
    graph.output(top, "word_total", "float32", ["batch", "S"])
    graph.output(rest, "rest", "float32", ["batch", "S", others])
    graph.output(biased, "words", "float32", ["batch", "S", words])
    for layer, (key, value) in enumerate(new):
        graph.output(key, f"key.{layer}", "float32", ["batch", heads, "N", size])
        graph.output(value, f"value.{layer}", "float32", ["batch", heads, "N", size])
    graph.output(graph.op("Concat", *aligned, axis=1), "alignment", "float32", ["batch", int(alignment.sum()), "N", frames])
    graph.save()
    return graph


def embed(graph, tokens, embedding, words):
    """The tokens' rows of the embedding. In int8 and int4 the table is kept apart from the head's matrix, in float16."""
    if graph.compute in ("int8", "int4"):
        halves = graph.weight("decoder.token_embedding.half", embedding.astype(np.float16), "decoder.token_embedding.weight", form="half")
        return graph.op("Cast", graph.op("Gather", halves, tokens), to=TensorProto.FLOAT)
    zero, first = graph.constant(0, np.int32), graph.constant(words, np.int32)
    is_word = graph.op("Unsqueeze", graph.op("Less", tokens, first), graph.constant([-1]))
    word = graph.op("Gather", table(graph, "words", embedding, 0, words), graph.op("Min", tokens, graph.constant(words - 1, np.int32)))
    other = graph.op("Gather", table(graph, "rest", embedding, words, len(embedding)), graph.op("Max", graph.op("Sub", tokens, first), zero))
    return graph.op("Where", is_word, word, other)


def table(graph, part, embedding, first, last):
    rows = embedding[first:last].astype(graph.float)
    return graph.weight(f"decoder.token_embedding.{part}", rows, "decoder.token_embedding.weight", rows=[first, last])


def head(graph, x, part, embedding, first, last):
    """x [batch, S, width] → [batch, S, last - first]: the scores of some tokens."""
    if graph.compute == "int8":
        return graph.quantised(x, "decoder.token_embedding.weight", embedding[first:last], rows=[first, last])
    if graph.compute == "int4":
        return graph.four_bits(x, "decoder.token_embedding.weight", embedding[first:last], [first, last])
    flat = graph.op("Reshape", x, graph.constant([-1, embedding.shape[1]]))
    scores = graph.op("Gemm", flat, table(graph, part, embedding, first, last), transB=1)
    shape = graph.op("Concat", graph.op("Shape", x, start=0, end=2), graph.constant([last - first]), axis=0)
    return graph.op("Reshape", scores, shape)
