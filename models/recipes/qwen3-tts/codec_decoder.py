"""The codec's decoder as an ONNX graph that goes on where it left off: codes in, samples out.

Everything in it is causal. What a layer needs of the frames before (the last inputs of a convolution, the keys and values of the
attention's window) is a part of the state, a row of numbers that a run takes and gives back. Zeros stand for no frame before: a
convolution pads with them anyhow, and the attention is told by `seen` how much of its window there is.
"""

import math

import numpy as np

from parts import MASKED, ints, matrix, whole


class State:
    """Parts of the state by order of use: what was, and what is to be."""

    def __init__(self, graph):
        self.graph, self.size, self.new = graph, 0, []
        self.old = graph.into("state")

    def take(self, *dims):
        """The next part of it, [batch, *dims]."""
        graph, size = self.graph, math.prod(dims)
        flat = graph.op("Slice", self.old, ints(self.size), ints(self.size + size), ints(1))
        self.size += size
        return graph.reshape(flat, 0, *dims)

    def keep(self, value, axis, count):
        """The last `count` of a value stay, in the order of `take`."""
        graph = self.graph
        last = graph.op("Slice", value, ints(-count), ints(2**31), ints(axis))
        self.new.append(graph.op("Flatten", last, axis=1))

    def behind(self, value, channels, count):
        """A value [batch, channels, time] behind its last `count` of before."""
        joined = self.graph.op("Concat", self.take(channels, count), value, axis=2)
        self.keep(joined, 2, count)
        return joined


class CodecDecoder:
    def __init__(self, graph, decoder):
        self.graph, self.decoder, self.config = graph, decoder, decoder.config
        self.state = State(graph)

    def weight(self, name, tensor):
        return self.graph.parameter(f"codec.{name}", matrix(tensor))

    def convolve(self, value, name, module):
        """A causal convolution; `module` is the official one around torch's."""
        conv = module.conv
        before = conv.dilation[0] * (conv.kernel_size[0] - 1)
        if before > 0:
            value = self.state.behind(value, conv.in_channels, before)
        return self.graph.op(
            "Conv", value, self.weight(f"{name}.weight", conv.weight), self.weight(f"{name}.bias", conv.bias),
            dilations=list(conv.dilation), group=conv.groups,
        )  # fmt: skip

    def widen(self, value, name, module):
        """A transposed convolution, whose kernel is as long as its stride or twice that."""
        conv = module.conv
        kernel, stride = conv.kernel_size[0], conv.stride[0]
        assert kernel in (stride, 2 * stride), (kernel, stride)
        weights = self.weight(f"{name}.weight", conv.weight), self.weight(f"{name}.bias", conv.bias)
        cut = kernel - stride
        if cut > 0:
            value = self.state.behind(value, conv.in_channels, 1)
        return self.graph.op("ConvTranspose", value, *weights, strides=[stride], pads=[cut, cut])

    def snake(self, value, name, module):
        graph = self.graph
        alpha, beta = (np.exp(matrix(part)) for part in (module.alpha, module.beta))
        alpha = graph.parameter(f"codec.{name}.alpha", alpha[None, :, None])
        factor = graph.parameter(f"codec.{name}.factor", (1 / (beta + module.no_div_by_zero))[None, :, None].astype(np.float32))
        wave = graph.op("Sin", graph.op("Mul", value, alpha))
        return graph.op("Add", value, graph.op("Mul", graph.op("Mul", wave, wave), factor))

    def linear(self, value, name, module):
        bias = None if module.bias is None else matrix(module.bias)
        return self.graph.linear(value, f"codec.{name}", matrix(module.weight), bias)

    def dequantise(self, codes):
        """[batch, codebook dim, frames] of int64 codes [batch, frames, 16]."""
        graph, quantizer = self.graph, self.decoder.quantizer
        first = 0
        answers = []
        for part in ("rvq_first", "rvq_rest"):
            books = [layer._codebook for layer in getattr(quantizer, part).vq.layers]
            rows = np.concatenate([matrix(book.embedding_sum / book.cluster_usage.clamp(min=book.epsilon)[:, None]) for book in books])
            table = graph.parameter(f"codec.{part}", rows)
            own = graph.op("Slice", codes, ints(first), ints(first + len(books)), ints(2))
            first += len(books)
            places = graph.op("Add", own, np.arange(len(books), dtype=np.int64) * len(rows) // len(books))
            total = graph.op("ReduceSum", graph.op("Gather", table, places), ints(2), keepdims=0)
            weight = matrix(getattr(quantizer, part).output_proj.weight)[:, :, 0]
            answers.append(graph.linear(total, f"codec.{part}.out", weight))
        return graph.transpose(graph.op("Add", *answers), 0, 2, 1)

    def norm(self, value, name, module):
        return self.graph.rms_norm(value, f"codec.{name}", matrix(module.weight), module.variance_epsilon)

    def transform(self, value, seen):
        """The windowed transformer over [batch, frames, latent]."""
        graph, model = self.graph, self.decoder.pre_transformer
        self.window = self.config.sliding_window - 1
        self.heads, self.head = self.config.num_attention_heads, model.layers[0].self_attn.head_dim
        assert self.config.num_key_value_heads == self.heads
        length = graph.op("Squeeze", graph.shape(value, 1))
        slots = graph.op("Range", whole(0), graph.op("Add", length, whole(self.window)), whole(1))
        angles = graph.op("Mul", graph.op("Unsqueeze", graph.cast(slots, np.float32), ints(1)), matrix(model.rotary_emb.inv_freq))
        turn = [graph.into(graph.op(kind, angles)) for kind in ("Cos", "Sin")]
        own = [graph.op("Slice", part, ints(self.window), ints(2**31), ints(0)) for part in turn]
        keys, queries = graph.op("Unsqueeze", slots, ints(0)), graph.op("Unsqueeze", slots, ints(1))
        queries = graph.op("Slice", queries, ints(self.window), ints(2**31), ints(0))
        far = graph.op("Less", keys, graph.op("Sub", queries, whole(self.window)))
        none = graph.op("Less", keys, graph.op("Sub", whole(self.window), graph.op("Unsqueeze", seen, ints(1, 2))))
        hidden = graph.op("Or", graph.op("Or", far, graph.op("Greater", keys, queries)), none)
        mask = graph.op("Unsqueeze", graph.op("Mul", graph.cast(hidden, graph.inside), graph.number(MASKED)), ints(1))
        value = self.linear(value, "in", model.input_proj)
        for index, layer in enumerate(model.layers):
            value = self.layer(value, f"layer.{index}", layer, turn, own, mask)
        return self.linear(self.norm(value, "norm", model.norm), "out", model.output_proj)

    def rotate(self, value, turn):
        graph, (cosine, sine) = self.graph, turn
        first, second = graph.op("Split", value, ints(self.head // 2, self.head // 2), outputs=2, axis=-1)
        left = graph.op("Sub", graph.op("Mul", first, cosine), graph.op("Mul", second, sine))
        right = graph.op("Add", graph.op("Mul", second, cosine), graph.op("Mul", first, sine))
        return graph.op("Concat", left, right, axis=-1)

    def layer(self, value, name, layer, turn, own, mask):
        graph, attention = self.graph, layer.self_attn
        norm = self.norm(value, f"{name}.norm1", layer.input_layernorm)
        parts = {part: (matrix(getattr(attention, f"{part}_proj").weight), None) for part in "qkv"}
        q, k, v = graph.products(norm, {f"codec.{name}.{part}": weights for part, weights in parts.items()}).values()
        q, k, v = (graph.transpose(graph.reshape(part, 0, 0, self.heads, self.head), 0, 2, 1, 3) for part in (q, k, v))
        # Keys are kept as they are before the rotation: only distances count, so every run may begin at place 0.
        k, v = (graph.op("Concat", self.state.take(self.heads, self.window, self.head), part, axis=2) for part in (k, v))
        for part in (k, v):
            self.state.keep(part, 2, self.window)
        q = graph.op("Mul", self.rotate(q, own), graph.number(1 / math.sqrt(self.head)))
        scores = graph.op("MatMul", q, graph.transpose(self.rotate(k, turn), 0, 1, 3, 2))
        mixed = graph.op("MatMul", graph.op("Softmax", graph.op("Add", scores, mask), axis=-1), v)
        mixed = graph.reshape(graph.transpose(mixed, 0, 2, 1, 3), 0, 0, self.heads * self.head)
        mixed = graph.op("Mul", self.linear(mixed, f"{name}.o", attention.o_proj), self.weight(f"{name}.scale1", layer.self_attn_layer_scale.scale))
        value = graph.op("Add", value, mixed)
        norm = self.norm(value, f"{name}.norm2", layer.post_attention_layernorm)
        halves = {f"codec.{name}.{part}": (matrix(getattr(layer.mlp, f"{part}_proj").weight), None) for part in ("gate", "up")}
        gate, up = graph.products(norm, halves).values()
        inner = graph.op("Mul", graph.op("Mul", gate, graph.op("Sigmoid", gate)), up)
        down = graph.op("Mul", self.linear(inner, f"{name}.down", layer.mlp.down_proj), self.weight(f"{name}.scale2", layer.mlp_layer_scale.scale))
        return graph.op("Add", value, down)

    def refine(self, value, name, block):
        """A ConvNeXt block over [batch, channels, time]."""
        graph = self.graph
        rest = graph.transpose(self.convolve(value, f"{name}.conv", block.dwconv), 0, 2, 1)
        scale, shift = self.weight(f"{name}.norm.weight", block.norm.weight), self.weight(f"{name}.norm.bias", block.norm.bias)
        rest = graph.op("LayerNormalization", rest, scale, shift, axis=-1, epsilon=block.norm.eps)
        rest = self.linear(graph.gelu(self.linear(rest, f"{name}.1", block.pwconv1)), f"{name}.2", block.pwconv2)
        rest = graph.op("Mul", rest, self.weight(f"{name}.gamma", block.gamma))
        return graph.op("Add", value, graph.transpose(rest, 0, 2, 1))

    def residual(self, value, name, unit):
        rest = self.convolve(self.snake(value, f"{name}.act1", unit.act1), f"{name}.conv1", unit.conv1)
        rest = self.convolve(self.snake(rest, f"{name}.act2", unit.act2), f"{name}.conv2", unit.conv2)
        return self.graph.op("Add", value, rest)

    def decode(self, codes, seen):
        """[batch, 1, samples] of int64 codes [batch, frames, 16]."""
        graph, decoder = self.graph, self.decoder
        value = self.convolve(self.dequantise(codes), "before", decoder.pre_conv)
        value = graph.transpose(self.transform(graph.transpose(value, 0, 2, 1), seen), 0, 2, 1)
        for index, (widening, block) in enumerate(decoder.upsample):
            value = self.refine(self.widen(value, f"up.{index}", widening), f"up.{index}.block", block)
        opening, *blocks, snake, closing = decoder.decoder
        value = self.convolve(value, "open", opening)
        for index, block in enumerate(blocks):
            activation, widening, *units = block.block
            value = self.widen(self.snake(value, f"wide.{index}.act", activation), f"wide.{index}", widening)
            for unit, module in enumerate(units):
                value = self.residual(value, f"wide.{index}.{unit}", module)
        value = self.convolve(self.snake(value, "close.act", snake), "close", closing)
        return graph.op("Clip", value, graph.number(-1), graph.number(1))


def build_codec_decoder(graph, decoder):
    """Inputs: `codes` int64 [batch, frames, 16]; `state` float32 [batch, size]; `seen` int64 [batch], frames before. Outputs: `samples`
    float32 [batch, 1920 * frames], `next_state` float32 [batch, size]. Answers the state's size."""
    codes = graph.input("codes", np.int64, ["batch", "frames", decoder.config.num_quantizers])
    seen = graph.input("seen", np.int64, ["batch"])
    building = CodecDecoder(graph, decoder)
    samples = building.decode(codes, seen)
    size = building.state.size
    graph.input("state", np.float32, ["batch", size])
    samples = graph.op("Squeeze", samples, ints(1))
    graph.output("samples", graph.out_of(samples), np.float32, ["batch", "samples"])
    graph.output("next_state", graph.out_of(graph.op("Concat", *building.state.new, axis=1)), np.float32, ["batch", size])
    return size
