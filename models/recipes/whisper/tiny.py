"""The small random-weight models that the fixtures are about."""

import torch
from whisper.model import ModelDimensions, Whisper

import random_weights

COMMON = {"n_audio_ctx": 1500, "n_text_ctx": 448, "n_audio_state": 64, "n_text_state": 64, "n_audio_head": 4, "n_text_head": 4}

# `sharpness`: gain of the last layer norm; `reluctance`: how unlikely the end of the text is at first; `haste`: how fast it comes near.
TINY = {
    "multilingual-80": {**COMMON, "n_mels": 80, "n_vocab": 51865, "n_audio_layer": 2, "n_text_layer": 2, "seed": 1, "sharpness": 2.0, "reluctance": -4.0, "haste": 0.9, "pauses": 8.0},
    "multilingual-128": {**COMMON, "n_mels": 128, "n_vocab": 51866, "n_audio_layer": 2, "n_text_layer": 4, "seed": 2, "sharpness": 2.0, "reluctance": -4.0, "haste": 1.6, "pauses": 8.0},
    "english-80": {**COMMON, "n_mels": 80, "n_vocab": 51864, "n_audio_layer": 1, "n_text_layer": 2, "seed": 3, "sharpness": 2.0, "reluctance": -4.0, "haste": 0.6, "pauses": 8.0},
}


def tiny_rules(name):
    dims = TINY[name]
    sizes = {key: value for key, value in dims.items() if key.startswith("n_")}
    model = Whisper(ModelDimensions(**sizes))
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    return random_weights.rules(dims, shapes, dims["seed"])


def tiny(name):
    """An openai-whisper model."""
    sizes = {key: value for key, value in TINY[name].items() if key.startswith("n_")}
    model = Whisper(ModelDimensions(**sizes))
    model.load_state_dict({key: torch.from_numpy(random_weights.tensor(rule)) for key, rule in tiny_rules(name).items()})
    return model.eval()
