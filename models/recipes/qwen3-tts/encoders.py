"""What a base model makes of a reference, as ONNX graphs: the codec's encoder (Mimi's) and the speaker encoder (ECAPA-TDNN over a
log-mel spectrogram, which is computed in the graph). Rows of a run are of one length.
"""

import math

import numpy as np
from librosa.filters import mel as mel_filters

from parts import MASKED, ints, matrix, whole

RATE, BINS, FFT, HOP, HIGHEST = 24_000, 128, 1_024, 256, 12_000


class CodecEncoder:
    def __init__(self, graph, encoder):
        self.graph, self.encoder, self.config = graph, encoder, encoder.config

    def weight(self, name, tensor):
        return self.graph.parameter(f"encoder.{name}", matrix(tensor))

    def convolve(self, value, name, module):
        """Padded on the left by what a kernel reaches beyond its stride, on the right to whole strides."""
        graph, conv = self.graph, module.conv
        stride = conv.stride[0]
        before = conv.dilation[0] * (conv.kernel_size[0] - 1) + 1 - stride
        behind = ints(0)
        if stride > 1:
            over = graph.op("Mod", graph.shape(value, 2), ints(stride))
            behind = graph.op("Mod", graph.op("Sub", ints(stride), over), ints(stride))
        pads = graph.op("Concat", ints(0, 0, before, 0, 0), behind, axis=0)
        mode = {"constant": "constant", "replicate": "edge"}[module.pad_mode]
        value = graph.op("Pad", value, pads, mode=mode)
        weights = [self.weight(f"{name}.weight", conv.weight)]
        if conv.bias is not None:
            weights.append(self.weight(f"{name}.bias", conv.bias))
        return graph.op("Conv", value, *weights, strides=[stride], dilations=list(conv.dilation), group=conv.groups)

    def stack(self, value, name, layers):
        """Layers of the convolutional part, residual blocks among them."""
        graph = self.graph
        for index, layer in enumerate(layers):
            kind, own = type(layer).__name__, f"{name}.{index}"
            if kind == "ELU":
                value = graph.op("Elu", value)
            elif kind == "MimiConv1d":
                value = self.convolve(value, own, layer)
            else:
                assert kind == "MimiResnetBlock", kind
                rest = self.stack(value, own, layer.block)
                if type(layer.shortcut).__name__ == "MimiConv1d":
                    value = self.convolve(value, f"{own}.past", layer.shortcut)
                value = graph.op("Add", value, rest)
        return value

    def linear(self, value, name, module):
        return self.graph.linear(value, f"encoder.{name}", matrix(module.weight))

    def norm(self, value, name, module):
        scale, shift = self.weight(f"{name}.weight", module.weight), self.weight(f"{name}.bias", module.bias)
        return self.graph.op("LayerNormalization", value, scale, shift, axis=-1, epsilon=module.eps)

    def transform(self, value):
        """The transformer over [batch, places, hidden]. The configured window is left out, as the official code does."""
        graph, model = self.graph, self.encoder.encoder_transformer
        places = graph.op("Range", whole(0), graph.op("Squeeze", graph.shape(value, 1)), whole(1))
        frequencies = matrix(model.layers[0].self_attn.rotary_emb.inv_freq)
        angles = graph.op("Mul", graph.op("Unsqueeze", graph.cast(places, np.float32), ints(1)), frequencies)
        turn = [graph.into(graph.op(kind, angles)) for kind in ("Cos", "Sin")]
        keys, queries = graph.op("Unsqueeze", places, ints(0)), graph.op("Unsqueeze", places, ints(1))
        hidden = graph.op("Greater", keys, queries)
        mask = graph.op("Mul", graph.cast(hidden, graph.inside), graph.number(MASKED))
        for index, layer in enumerate(model.layers):
            name = f"layer.{index}"
            rest = self.attend(self.norm(value, f"{name}.norm1", layer.input_layernorm), name, layer.self_attn, turn, mask)
            value = graph.op("Add", value, graph.op("Mul", rest, self.weight(f"{name}.scale1", layer.self_attn_layer_scale.scale)))
            rest = self.norm(value, f"{name}.norm2", layer.post_attention_layernorm)
            rest = self.linear(graph.gelu(self.linear(rest, f"{name}.1", layer.mlp.fc1)), f"{name}.2", layer.mlp.fc2)
            value = graph.op("Add", value, graph.op("Mul", rest, self.weight(f"{name}.scale2", layer.mlp_layer_scale.scale)))
        return value

    def attend(self, value, name, attention, turn, mask):
        graph, config = self.graph, self.config
        heads, head = config.num_attention_heads, config.head_dim
        assert config.num_key_value_heads == heads
        q, k, v = (self.linear(value, f"{name}.{part}", getattr(attention, f"{part}_proj")) for part in "qkv")
        q, k, v = (graph.transpose(graph.reshape(part, 0, 0, heads, head), 0, 2, 1, 3) for part in (q, k, v))
        q, k = (self.rotate(part, turn, head) for part in (q, k))
        q = graph.op("Mul", q, graph.number(1 / math.sqrt(head)))
        weights = graph.op("Softmax", graph.op("Add", graph.op("MatMul", q, graph.transpose(k, 0, 1, 3, 2)), mask), axis=-1)
        mixed = graph.transpose(graph.op("MatMul", weights, v), 0, 2, 1, 3)
        return self.linear(graph.reshape(mixed, 0, 0, heads * head), f"{name}.o", attention.o_proj)

    def rotate(self, value, turn, head):
        graph, (cosine, sine) = self.graph, turn
        first, second = graph.op("Split", value, ints(head // 2, head // 2), outputs=2, axis=-1)
        left = graph.op("Sub", graph.op("Mul", first, cosine), graph.op("Mul", second, sine))
        right = graph.op("Add", graph.op("Mul", second, cosine), graph.op("Mul", first, sine))
        return graph.op("Concat", left, right, axis=-1)

    def quantise(self, value, count):
        """int64 [batch, frames, count] of [batch, hidden, frames]. Distances are computed in float32."""
        graph, codes = self.graph, []
        parts = self.encoder.quantizer.semantic_residual_vector_quantizer, self.encoder.quantizer.acoustic_residual_vector_quantizer
        for part, name in zip(parts, ("semantic", "acoustic")):
            rest = graph.transpose(value, 0, 2, 1)
            if part.input_proj is not None:
                rest = graph.linear(rest, f"encoder.{name}.in", matrix(part.input_proj.weight)[:, :, 0])
            rest = graph.out_of(rest)
            for index, layer in enumerate(part.layers[: count - len(codes)]):
                rows = matrix(layer.codebook.embed)
                table = graph.external(f"encoder.{name}.{index}.book", lambda: rows)
                turned = graph.external(f"encoder.{name}.{index}.turned", lambda: rows.T * -2)
                lengths = graph.external(f"encoder.{name}.{index}.lengths", lambda: (rows * rows).sum(1))
                distances = graph.op("Add", graph.op("MatMul", rest, turned), lengths)
                nearest = graph.op("ArgMin", distances, axis=-1, keepdims=0)
                codes.append(nearest)
                rest = graph.op("Sub", rest, graph.op("Gather", table, nearest))
        return graph.op("Concat", *(graph.op("Unsqueeze", code, ints(2)) for code in codes), axis=2)


def build_codec_encoder(graph, encoder, codebooks):
    """Input: `samples` float32 [batch, samples]. Output: `codes` int64 [batch, frames, codebooks]."""
    samples = graph.input("samples", np.float32, ["batch", "samples"])
    building = CodecEncoder(graph, encoder)
    value = building.stack(graph.into(graph.op("Unsqueeze", samples, ints(1))), "conv", encoder.encoder.layers)
    value = graph.transpose(building.transform(graph.transpose(value, 0, 2, 1)), 0, 2, 1)
    value = building.convolve(value, "down", encoder.downsample)
    graph.output("codes", building.quantise(value, codebooks), np.int64, ["batch", "frames", codebooks])


class SpeakerEncoder:
    def __init__(self, graph, encoder):
        self.graph, self.encoder = graph, encoder

    def log_mel(self, samples):
        """float32 [batch, bins, frames]."""
        graph, edge = self.graph, (FFT - HOP) // 2
        padded = graph.op("Pad", samples, ints(0, edge, 0, edge), mode="reflect")
        window = np.hanning(FFT + 1)[:-1].astype(np.float32)
        signal = graph.op("Unsqueeze", padded, ints(2))
        parts = graph.op("STFT", signal, whole(HOP), graph.external("speaker.window", lambda: window), whole(FFT), onesided=1)
        power = graph.op("ReduceSum", graph.op("Mul", parts, parts), ints(3), keepdims=0)
        size = graph.op("Sqrt", graph.op("Add", power, np.array(1e-9, np.float32)))
        filters = mel_filters(sr=RATE, n_fft=FFT, n_mels=BINS, fmin=0, fmax=HIGHEST).astype(np.float32)
        mel = graph.op("MatMul", size, graph.external("speaker.filters", lambda: filters.T))
        return graph.transpose(graph.op("Log", graph.op("Max", mel, np.array(1e-5, np.float32))), 0, 2, 1)

    def convolve(self, value, name, conv):
        """As long as its input, which is mirrored at both ends."""
        graph = self.graph
        total = conv.dilation[0] * (conv.kernel_size[0] - 1)
        if total > 0:
            value = graph.op("Pad", value, ints(0, 0, total // 2, 0, 0, total - total // 2), mode="reflect")
        weights = (graph.parameter(f"speaker.{name}.{part}", matrix(getattr(conv, part))) for part in ("weight", "bias"))
        return graph.op("Conv", value, *weights, dilations=list(conv.dilation))

    def delay(self, value, name, block):
        return self.graph.op("Relu", self.convolve(value, name, block.conv))

    def block(self, value, name, block):
        """A squeeze-and-excitation block around a Res2Net one."""
        graph = self.graph
        rest = self.delay(value, f"{name}.1", block.tdnn1)
        scale = block.res2net_block.scale
        width = block.out_channels // scale
        parts = graph.op("Split", rest, ints(*[width] * scale), outputs=scale, axis=1)
        made = [parts[0]]
        for index, part in enumerate(parts[1:]):
            given = part if index == 0 else graph.op("Add", part, made[-1])
            made.append(self.delay(given, f"{name}.part.{index}", block.res2net_block.blocks[index]))
        rest = self.delay(graph.op("Concat", *made, axis=1), f"{name}.2", block.tdnn2)
        mean = graph.op("ReduceMean", rest, axes=[2], keepdims=1)
        gate = graph.op("Relu", self.convolve(mean, f"{name}.squeeze", block.se_block.conv1))
        gate = graph.op("Sigmoid", self.convolve(gate, f"{name}.excite", block.se_block.conv2))
        return graph.op("Add", graph.op("Mul", rest, gate), value)

    def statistics(self, value, weights):
        """Mean and deviation over time, [batch, channels, 1] each; `weights` None: all alike."""
        graph = self.graph

        def mean(part):
            if weights is None:
                return graph.op("ReduceMean", part, axes=[2], keepdims=1)
            return graph.op("ReduceSum", graph.op("Mul", part, weights), ints(2), keepdims=1)

        middle = mean(value)
        apart = graph.op("Sub", value, middle)
        spread = graph.op("Max", mean(graph.op("Mul", apart, apart)), graph.number(self.encoder.asp.eps))
        return middle, graph.op("Sqrt", spread)

    def pool(self, value):
        """[batch, 2 * channels, 1]"""
        graph, pooling = self.graph, self.encoder.asp
        shape = graph.op("Shape", value)
        wide = [graph.op("Expand", part, shape) for part in self.statistics(value, None)]
        weights = self.delay(graph.op("Concat", value, *wide, axis=1), "pool.1", pooling.tdnn)
        weights = graph.op("Softmax", self.convolve(graph.op("Tanh", weights), "pool.2", pooling.conv), axis=2)
        return graph.op("Concat", *self.statistics(value, weights), axis=1)

    def encode(self, mel):
        """[batch, hidden]"""
        graph, encoder = self.graph, self.encoder
        first, *blocks = encoder.blocks
        value, made = self.delay(mel, "first", first), []
        for index, block in enumerate(blocks):
            value = self.block(value, f"block.{index}", block)
            made.append(value)
        value = self.delay(graph.op("Concat", *made, axis=1), "all", encoder.mfa)
        return graph.op("Squeeze", self.convolve(self.pool(value), "out", encoder.fc), ints(2))


def build_speaker_encoder(graph, encoder):
    """Input: `samples` float32 [batch, samples]. Output: `embedding` float32 [batch, hidden]."""
    samples = graph.input("samples", np.float32, ["batch", "samples"])
    building = SpeakerEncoder(graph, encoder)
    embedding = building.encode(graph.into(building.log_mel(samples)))
    graph.output("embedding", graph.out_of(embedding), np.float32, ["batch", encoder.fc.out_channels])
