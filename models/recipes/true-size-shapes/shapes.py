"""Graphs of the true sizes without their weights, and for each tensor the rule that makes it: what integration-tests/check turns
into a model's folder, on any machine, without Python.

    python shapes.py whisper-base|whisper-small|qwen3-asr-0.6b FOLDER

The exporters write the graphs as they do for a checkpoint, over tensors of zeros that have only a size, so no framework
is needed. FOLDER gets the graphs, compressed, and `shape.json.gz`: the manifest without its files, the tokenizer's
rule, and the tensors of each weight file. A tensor is [source, kind, dims, offset, first], `first` being the source's
number at which it begins. A source's rule is {seed, width, centre, quiet}: uniform numbers in centre ± width that a
half holds exactly, the same in every format. `quiet` numbers are zero: rows of end tokens, so that every row says its
whole budget.
"""

import gzip
import json
import math
import re
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parent.parent.parent / "shared" / "asr" / "src"
UNIFORM = math.sqrt(3)
# Tensors that are smaller lie inside the graphs, and need numbers.
SMALL = 1_024


class Sized:
    """Stands for a framework's tensor: zeros of a shape, or few numbers that a half holds exactly."""

    def __init__(self, *shape, centre=0.0):
        self.array = np.zeros(shape, np.float32)
        if self.array.nbytes < SMALL:
            values = np.random.default_rng(7).uniform(-0.17, 0.17, shape) + centre
            self.array = values.astype(np.float16).astype(np.float32)

    def __getitem__(self, index):
        part = Sized(1)
        part.array = self.array[index]
        return part

    def numpy(self):
        return self.array

    detach = float = cpu = lambda self: self


def packed(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, 9, mtime=0))
    print(path.name, path.stat().st_size)


def write(folder, manifest, tokenizer, graphs, weights, rules, tables=None):
    """`graphs`: role to (.onnx file, weight file's name); `weights`: name to tensors; `tables`: role to the name of a file that is one tensor."""
    stems = {}
    for role, (path, data) in graphs.items():
        packed(folder / f"{path.name}.gz", path.read_bytes())
        stems[role] = {"path": path.name, "data": data}
    shape = {"manifest": manifest, "tokenizer": tokenizer, "graphs": stems, "weights": weights, "rules": rules}
    if tables:
        shape["tables"] = tables
    packed(folder / "shape.json.gz", json.dumps(shape, ensure_ascii=False, separators=(",", ":")).encode())


# Whisper


# Layer and head.
ALIGNING = {
    "whisper-base": ((3, 1), (4, 2), (4, 3), (4, 7), (5, 1), (5, 2), (5, 4), (5, 6)),
    "whisper-small": ((5, 3), (5, 9), (8, 0), (8, 4), (8, 7), (8, 8), (9, 0), (9, 7), (9, 9), (10, 5)),
}


def whisper(name, folder):
    sys.path.insert(0, str(HERE.parent / "whisper"))
    import graphs as parts
    from loop import loop

    # Width, heads, layers of the encoder and of the decoder; number formats; whether it has the loop.
    width, heads, encoder, decoder, formats, looped = {
        "whisper-base": (512, 8, 6, 6, ("float32", "float16"), True),
        "whisper-small": (768, 12, 12, 12, ("float32", "int8"), False),
    }[name]
    dims = SimpleNamespace(
        n_mels=80, n_audio_ctx=1_500, n_audio_state=width, n_audio_head=heads, n_audio_layer=encoder,
        n_vocab=51_865, n_text_ctx=448, n_text_state=width, n_text_head=heads, n_text_layer=decoder,
    )  # fmt: skip
    heard = np.zeros((decoder, heads), bool)
    heard[tuple(zip(*ALIGNING[name]))] = True
    aligned = SimpleNamespace(to_dense=lambda: SimpleNamespace(numpy=lambda: heard))
    state = whisper_state(dims)
    model = SimpleNamespace(dims=dims, alignment_heads=aligned, state_dict=lambda: state)
    # Of the multilingual vocabulary.
    tokens = SimpleNamespace(eot=50_257, no_timestamps=50_363, timestamp_begin=50_364)

    seeds = {source: index + 1 for index, source in enumerate(state)}
    rules, files, roles = {}, {}, {}
    with tempfile.TemporaryDirectory() as scratch:
        for kind in formats:
            inside = "float16" if kind == "float16" else "float32"
            makers = {
                "encoder": lambda *where: parts.encoder(model, *where),
                "decoder": lambda *where: parts.decoder(model, *where, tokens.eot),
                "loop": lambda *where: loop(model, *where, tokens),
            }
            for role, make in makers.items():
                if role == "loop" and not looped:
                    continue
                stem = role if kind == "float32" else f"{role}_{kind}"
                graph = make(Path(scratch) / f"{stem}.onnx", kind)
                data = f"{stem}.bin"
                roles[role if kind == "float32" else f"{role}.{kind}"] = (graph.path, data)
                files[data] = []
                for tensor, source in graph.sources.items():
                    name_of, form = source["source"], source.get("form")
                    # Scales are all alike.
                    first = 0 if form == "scale" else (source["rows"] or [0])[0] * state[name_of].array.shape[-1]
                    shape = list(graph.initializers[tensor].dims)
                    rule = whisper_rule(name_of, state, seeds, dims, tokens)
                    if form == "scale":
                        # Of the rows' largest number.
                        name_of, rule = f"{name_of}.scales", {"seed": rule["seed"], "width": 0.0, "centre": rule["width"] / 127}
                    number = {"half": "float16", "scale": "float32", "int8": "int8"}.get(form, inside)
                    files[data].append([name_of, number, shape, source["offset"], first])
                    rules.setdefault(name_of, rule)
        manifest = json.loads((FIXTURES / "whisper/fixtures/multilingual-80/manifest.json").read_text())
        manifest |= {"name": name, "files": {}, "description": f"Whisper, {encoder} + {decoder} layers of width {width}."}
        manifest["whisper"] |= {"layers": decoder, "heads": heads, "width": width, "temperatures": [0], "beamSize": 1}
        words = json.loads(gzip.decompress((FIXTURES / "whisper/fixtures/multilingual-80/weights.json.gz").read_bytes()))
        tokenizer = whisper_tokenizer(words["specials"], tokens)
        write(folder, manifest, tokenizer, roles, files, rules)


def whisper_state(dims):
    """openai-whisper's state dict, by its names."""
    width, state = dims.n_text_state, {}

    def linear(name, outs, ins, bias=True):
        state[f"{name}.weight"] = Sized(outs, ins)
        if bias:
            state[f"{name}.bias"] = Sized(outs)

    def norm(name):
        state[f"{name}.weight"], state[f"{name}.bias"] = Sized(width, centre=1.0), Sized(width)

    def attention(name):
        for part in ("query", "key", "value", "out"):
            linear(f"{name}.{part}", width, width, part != "key")
        norm(f"{name}_ln")

    state["encoder.conv1.weight"], state["encoder.conv1.bias"] = Sized(width, dims.n_mels, 3), Sized(width)
    state["encoder.conv2.weight"], state["encoder.conv2.bias"] = Sized(width, width, 3), Sized(width)
    state["encoder.positional_embedding"] = Sized(dims.n_audio_ctx, width)
    state["decoder.token_embedding.weight"] = Sized(dims.n_vocab, width)
    state["decoder.positional_embedding"] = Sized(dims.n_text_ctx, width)
    for side, layers in (("encoder", dims.n_audio_layer), ("decoder", dims.n_text_layer)):
        for layer in range(layers):
            block = f"{side}.blocks.{layer}"
            attention(f"{block}.attn")
            if side == "decoder":
                attention(f"{block}.cross_attn")
            linear(f"{block}.mlp.0", 4 * width, width)
            linear(f"{block}.mlp.2", width, 4 * width)
            norm(f"{block}.mlp_ln")
    norm("encoder.ln_post")
    norm("decoder.ln")
    return state


def whisper_rule(name, state, seeds, dims, tokens):
    """As random_weights.py has it: sharp attention, and layers that are louder than the token's own embedding."""
    shape = state[name].array.shape
    rule = {"seed": seeds[name], "width": 0.05, "centre": 0.0}
    if re.search(r"ln(_post)?\.weight$", name):
        rule |= {"width": 0.1, "centre": 1.0}
    elif name == "decoder.token_embedding.weight":
        rule |= {"width": 0.5, "quiet": [[tokens.eot * shape[1], (tokens.eot + 1) * shape[1]]]}
    elif name == "decoder.positional_embedding":
        rule["width"] = 1.7
    elif name == "encoder.positional_embedding":
        rule["width"] = 1.0
    elif name.endswith(".weight"):
        loud = 2.0 if "attn.query" in name or "attn.key" in name else 3.0 if name.startswith("decoder") and ("cross_attn" in name or "mlp.2" in name) else 1.0
        rule["width"] = loud * 1.7 / math.sqrt(math.prod(shape[1:]))
    return rule


def whisper_tokenizer(specials, tokens):
    """Words are made up: random weights say nothing, and a true vocabulary would be most of what lies in the repository."""
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    json = {
        "version": "1.0",
        "added_tokens": [{"id": id, "content": content, "special": True, "normalized": False} for content, id in specials],
        "normalizer": None, "pre_tokenizer": level, "post_processor": None, "decoder": level,
        "model": {"type": "BPE", "vocab": byte_words(), "merges": []},
    }  # fmt: skip
    return {"json": json, "words": [256, tokens.eot]}


def byte_words():
    """GPT-2's letter for every byte, so that any text can be written."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    letters = [chr(byte) for byte in plain] + [chr(256 + index) for index in range(len(others))]
    return {letter: index for index, letter in enumerate(letters)}


# Qwen3-ASR


def qwen3_asr(name, folder):
    sys.path.insert(0, str(HERE.parent / "qwen3-asr"))
    from decoder import build_decoder
    from encoder import build_encoder
    from graph import Graph, WeightFile
    from loop import build_loop
    from vocabulary import TRUE_IDS, make_tokenizer

    class Places(WeightFile):
        """Where everything would lie, without a byte of it."""

        def open(self):
            return None

        def write(self, padding, array):
            pass

    thinker = qwen_thinker()
    files, roles, sources = {}, {}, {}
    with tempfile.TemporaryDirectory() as scratch:
        for form in ("float32", "float16", "int8"):
            suffix = "" if form == "float32" else f".{form}"
            weights = Places(f"weights{suffix}.bin")
            makers = {"encoder": lambda graph: build_encoder(graph, thinker.audio_tower), "decoder": lambda graph: build_decoder(graph, thinker)}
            if form != "int8":
                makers["loop"] = lambda graph: build_loop(graph, thinker)
            for role, make in makers.items():
                graph = Graph(weights, np.float16 if form == "float16" else np.float32, form)
                make(graph)
                path = Path(scratch) / f"{role}{suffix}.onnx"
                graph.save(path, role)
                roles[f"{role}{suffix}"] = (path, weights.path.name)
            rows = files[weights.path.name] = []
            for tensor, (kind, dims, offset, _) in weights.places.items():
                source = re.sub(r"\.(float32|float16|int8)(?=$|\.scales)", "", tensor)
                rows.append([source, {1: "float32", 3: "int8", 10: "float16"}[kind], list(dims), offset, 0])
                sources.setdefault(source, dims)
        rules = {source: qwen_rule(source, dims, sources, index + 1, TRUE_IDS) for index, (source, dims) in enumerate(sources.items())}
        manifest = json.loads((FIXTURES / "qwen3-asr/fixtures/model/manifest.json").read_text())
        manifest |= {"name": name, "files": {}}
        manifest["qwen3-asr"] = {"hidden": 1_024, "layers": 28, "keyValueHeads": 8, "headSize": 128}
        description = json.loads(make_tokenizer().to_str())
        vocabulary = {token: index for index, token in enumerate(token for token in description["model"]["vocab"] if token not in TRUE_IDS)}
        description["model"]["vocab"] = vocabulary | TRUE_IDS
        for token in description["added_tokens"]:
            token["id"] = TRUE_IDS[token["content"]]
        write(folder, manifest, {"json": description, "words": [len(vocabulary), max(TRUE_IDS.values())]}, roles, files, rules)


def qwen_thinker():
    """The official module's parts of 0.6b, as far as the exporter looks."""
    linear = lambda outs, ins, bias=False: SimpleNamespace(weight=Sized(outs, ins), bias=Sized(outs) if bias else None, in_features=ins)  # noqa: E731
    norm = lambda width, centre=1.0: SimpleNamespace(weight=Sized(width, centre=centre), bias=Sized(width))  # noqa: E731
    depth, width, heads, inner, channels = 18, 896, 14, 3_584, 480
    layers, hidden, between, queries, keys, head = 28, 1_024, 3_072, 16, 8, 128

    conv = lambda ins: SimpleNamespace(weight=Sized(channels, ins, 3, 3), bias=Sized(channels))  # noqa: E731
    tower = SimpleNamespace(
        config=SimpleNamespace(d_model=width, encoder_attention_heads=heads, num_mel_bins=128, output_dim=hidden),
        conv2d1=conv(1), conv2d2=conv(channels), conv2d3=conv(channels), conv_out=linear(width, channels * 16),
        positional_embedding=SimpleNamespace(positional_embedding=Sized(1_500, width)),
        ln_post=norm(width), proj1=linear(width, width, True), proj2=linear(hidden, width, True),
        layers=[
            SimpleNamespace(
                self_attn=SimpleNamespace(head_dim=width // heads, **{part: linear(width, width, True) for part in ("q_proj", "k_proj", "v_proj", "out_proj")}),
                self_attn_layer_norm=norm(width), final_layer_norm=norm(width), fc1=linear(inner, width, True), fc2=linear(width, inner, True),
            )
            for _ in range(depth)
        ],
    )  # fmt: skip
    text = SimpleNamespace(hidden_size=hidden, head_dim=head, num_key_value_heads=keys, num_attention_heads=queries, rms_norm_eps=1e-6)
    frequencies = Sized(1)
    frequencies.array = (1e6 ** (-np.arange(0, head, 2) / head)).astype(np.float32)
    embedding = Sized(151_936, hidden)
    blocks = [
        SimpleNamespace(
            self_attn=SimpleNamespace(
                q_proj=linear(queries * head, hidden), k_proj=linear(keys * head, hidden), v_proj=linear(keys * head, hidden),
                o_proj=linear(hidden, queries * head), q_norm=norm(head, 2.2), k_norm=norm(head, 2.2),
            ),
            mlp=SimpleNamespace(gate_proj=linear(between, hidden), up_proj=linear(between, hidden), down_proj=linear(hidden, between)),
            input_layernorm=norm(hidden), post_attention_layernorm=norm(hidden),
        )
        for _ in range(layers)
    ]  # fmt: skip
    model = SimpleNamespace(layers=blocks, embed_tokens=SimpleNamespace(weight=embedding), norm=norm(hidden), rotary_emb=SimpleNamespace(inv_freq=frequencies))
    return SimpleNamespace(config=SimpleNamespace(text_config=text), model=model, lm_head=SimpleNamespace(weight=embedding), audio_tower=tower)


def qwen_rule(name, dims, sources, seed, ids):
    """As checkpoint.py has it; the scales of eight bits are those of the rows' largest number."""
    if name.endswith(".scales"):
        of = name.removesuffix(".scales")
        return {"seed": seed, "width": 0.0, "centre": qwen_rule(of, sources[of], sources, 0, ids)["width"] / 127}
    if name == "embedding":
        hidden = dims[1]
        ends = sorted(ids[token] for token in ("<|im_end|>", "<|endoftext|>"))
        return {"seed": seed, "width": 0.4 * UNIFORM, "centre": 0.0, "quiet": [[end * hidden, (end + 1) * hidden] for end in ends]}
    if name == "encoder.positions":
        return {"seed": seed, "width": 1.0, "centre": 0.0}
    if len(dims) == 1:
        return {"seed": seed, "width": 0.1 * UNIFORM, "centre": 0.0 if name.endswith(".bias") else 1.0}
    ins = math.prod(dims[1:]) if len(dims) > 2 else dims[0]
    return {"seed": seed, "width": 1.6 * UNIFORM / math.sqrt(ins), "centre": 0.0}


if __name__ == "__main__":
    wanted, out = sys.argv[1:]
    (qwen3_asr if wanted.startswith("qwen3") else whisper)(wanted, Path(out).resolve())
