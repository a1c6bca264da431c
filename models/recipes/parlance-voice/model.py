"""The student: phones -> durations, and phones stretched to their durations -> pitch, voicing and envelope.

Two stacks of separable convolutions (ConvNeXt-like). The encoder works on symbols and says how long each one lasts. The
caller turns that into steps of 10 ms, each knowing its symbol and where in the symbol it lies; the decoder turns those into
two frames of 5 ms a step. Every convolution sees zeros beyond the end of a row: a padded row gives what it gives alone.
"""

import torch
from torch import nn
import torch.nn.functional as F

FRAMES_PER_STEP = 2
# Where in its symbol a step lies: part of it that has passed, frames since its start, frames to its end, length; see `position`.
POSITION = 4


def mask_of(lengths, size):
    """float32 [batch, size, 1]: 1 where a row has content."""
    return (torch.arange(size, device=lengths.device)[None, :] < lengths[:, None]).float().unsqueeze(2)


def position(start, length, middle):
    """[..., POSITION] of steps whose middle lies at `middle`, in a symbol of `length` frames that starts at `start`."""
    since = middle - start
    return torch.stack([since / length, (since / 10).clamp(max=4), ((length - since) / 10).clamp(max=4), (length / 10).clamp(max=6)], -1)


class Block(nn.Module):
    """Residual block on [batch, time, width]."""

    def __init__(self, width, kernel, expansion):
        super().__init__()
        # A 2-d convolution of height 1: torch's kernels for it are faster than those for 1-d.
        self.over_time = nn.Conv2d(width, width, (1, kernel), padding=(0, kernel // 2), groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, width * expansion)
        self.narrow = nn.Linear(width * expansion, width)
        self.gate = nn.Parameter(torch.full((width,), 0.3))

    def forward(self, x, mask):
        y = self.over_time((x * mask).transpose(1, 2).unsqueeze(2)).squeeze(2).transpose(1, 2)
        return x + self.gate * self.narrow(F.relu(self.widen(self.norm(y))))


class Encoder(nn.Module):
    """symbols, places int64 [batch, symbols], lengths int64 [batch] -> states [batch, symbols, states], log frames [batch, symbols]."""

    def __init__(self, symbols, width, blocks, kernel, expansion, states):
        super().__init__()
        self.symbol = nn.Embedding(symbols, width)
        self.place = nn.Embedding(4, width)
        self.blocks = nn.ModuleList(Block(width, kernel, expansion) for _ in range(blocks))
        self.lasting = nn.ModuleList([Block(width, 3, expansion)])
        self.frames = nn.Linear(width, 1)
        self.states = nn.Linear(width, states)

    def forward(self, symbols, places, lengths):
        mask = mask_of(lengths, symbols.shape[1])
        x = self.symbol(symbols) + self.place(places)
        for block in self.blocks:
            x = block(x, mask)
        y = x
        for block in self.lasting:
            y = block(y, mask)
        return self.states(x), self.frames(y).squeeze(2)


class Decoder(nn.Module):
    """states of the encoder, index int64 [batch, steps] (each step's symbol), position [batch, steps, POSITION], lengths
    int64 [batch] (steps) -> normalised targets [batch, steps * FRAMES_PER_STEP, targets]."""

    def __init__(self, states, width, blocks, kernel, expansion, targets):
        super().__init__()
        self.targets = targets
        self.place = nn.Linear(POSITION, states)
        self.mix = nn.Linear(states, width)
        self.blocks = nn.ModuleList(Block(width, kernel, expansion) for _ in range(blocks))
        self.out = nn.Linear(width, targets * FRAMES_PER_STEP)

    def forward(self, states, index, position, lengths):
        mask = mask_of(lengths, index.shape[1])
        x = torch.gather(states, 1, index.unsqueeze(2).expand(-1, -1, states.shape[2]))
        x = self.mix(F.relu(x + self.place(position)))
        for block in self.blocks:
            x = block(x, mask)
        return self.out(x).reshape(x.shape[0], -1, self.targets)


class Voice(nn.Module):
    def __init__(self, symbols, targets, encoder_width=224, encoder_blocks=5, decoder_width=160, decoder_blocks=5, states=160):
        super().__init__()
        self.settings = dict(
            symbols=symbols, targets=targets, encoder_width=encoder_width, encoder_blocks=encoder_blocks,
            decoder_width=decoder_width, decoder_blocks=decoder_blocks, states=states,
        )  # fmt: skip
        # Wide kernels: the melody of a phrase depends on how far its ends are.
        self.encoder = Encoder(symbols, encoder_width, encoder_blocks, 15, 2, states)
        self.decoder = Decoder(states, decoder_width, decoder_blocks, 9, 2, targets)
        # Of the targets over the training data; what the decoder gives is in these units.
        self.register_buffer("mean", torch.zeros(targets))
        self.register_buffer("scale", torch.ones(targets))


def load(path, device="cpu"):
    """The averaged model of a checkpoint, ready to run, and the checkpoint's record of its training."""
    checkpoint = torch.load(path, map_location=device, weights_only=True)
    model = Voice(**checkpoint["settings"])
    model.load_state_dict(checkpoint["weights"])
    return model.to(device).eval(), checkpoint["record"]
