"""What all graphs of this recipe stand on: the layers of ../qwen3-asr, whose transformer the talker and the predictor share, and
rows of a table that lies in a file of its own.
"""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from onnx import TensorProto

RECIPES = Path(__file__).resolve().parent.parent
sys.path += [str(RECIPES / "shared"), str(RECIPES / "qwen3-asr")]

from decoder import MASKED, Decoder  # noqa: E402
from graph import Graph, WeightFile, ints  # noqa: E402

__all__ = ["MASKED", "RECIPES", "SpeechGraph", "Transformer", "WeightFile", "codec_rows", "ints", "matrix", "text_rows", "whole"]


def matrix(tensor):
    return tensor.detach().float().numpy()


def whole(value):
    """An int64 scalar."""
    return np.array(value, np.int64)


class SpeechGraph(Graph):
    """A graph of the talker or the predictor."""

    def table(self, path, dims):
        """The float32 table that is the whole of a file."""
        if path.name not in self.initializers:
            tensor = TensorProto(name=path.name, dims=dims, data_type=TensorProto.FLOAT)
            tensor.data_location = TensorProto.EXTERNAL
            for key, value in (("location", path.name), ("offset", 0), ("length", 4 * dims[0] * dims[1])):
                tensor.external_data.add(key=key, value=str(value))
            self.initializers[path.name] = tensor
        return path.name


class Transformer(Decoder):
    """The talker, or the predictor: a decoder that is fed with embeddings."""

    def __init__(self, graph, name, config, model, head=None):
        # A decoder asks whether its head is its embedding: these two never share a matrix.
        apart = SimpleNamespace(weight=None) if head is None else head
        shaped = SimpleNamespace(rotary_emb=model.rotary_emb, norm=model.norm, layers=model.layers, embed_tokens=SimpleNamespace(weight=0))
        super().__init__(graph, SimpleNamespace(config=SimpleNamespace(text_config=config), model=shaped, lm_head=apart), name)

    def normed(self, value):
        """[..., hidden] behind the last norm, in the type that the graph computes in."""
        return self.graph.rms_norm(value, f"{self.name}.norm", matrix(self.thinker.model.norm.weight), self.epsilon)

    def scores(self, normed):
        """float32 [batch, codes] of a normed [batch, hidden]."""
        return self.graph.out_of(self.graph.linear(normed, f"{self.name}.head", matrix(self.thinker.lm_head.weight)))


def codec_rows(talker):
    """The rows of `codecEmbeddings`: those of code 0, then those of the fifteen other codebooks."""
    tables = [talker.model.codec_embedding, *talker.code_predictor.model.codec_embedding]
    return np.concatenate([matrix(table.weight) for table in tables])


def text_rows(talker, count=4_096):
    """The rows of `textEmbeddings`, so many at a time: those of the text vocabulary behind the projection."""
    weight = talker.model.text_embedding.weight
    for start in range(0, len(weight), count):
        yield matrix(talker.text_projection(weight[start : start + count].float()))
