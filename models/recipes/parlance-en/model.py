"""The recogniser: log-mel features -> phones and characters, a stack of separable convolutions trained with CTC.

Two strided convolutions turn 10 ms frames into 40 ms ones. Residual blocks of a depthwise convolution over time and two
pointwise layers follow (ConvNeXt-like). Each 40 ms frame then gives two CTC frames of 20 ms, so that fast speech has
more frames than symbols. Every convolution sees zeros beyond the end of a row: a padded row gives what it gives alone.
"""

import torch
from torch import nn
import torch.nn.functional as F

from features import BANDS, mask_of

FRAMES_PER_STEP = 2
FRAME_SECONDS = 0.02


class Block(nn.Module):
    """Residual block on [batch, steps, width]: depthwise convolution, batch normalisation, two pointwise layers."""

    def __init__(self, width, kernel, expansion, dropout):
        super().__init__()
        # A 2-d convolution of height 1: torch's kernels for it are faster than those for 1-d.
        self.over_time = nn.Conv2d(width, width, (1, kernel), padding=(0, kernel // 2), groups=width, bias=False)
        self.norm = nn.BatchNorm1d(width)
        self.widen = nn.Linear(width, width * expansion)
        self.narrow = nn.Linear(width * expansion, width)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.gate = nn.Parameter(torch.full((width,), 0.3))

    def forward(self, x, mask):
        y = self.over_time((x * mask).transpose(1, 2).unsqueeze(2)).squeeze(2)
        y = F.relu(self.widen(self.norm(y).transpose(1, 2)))
        return x + self.gate * self.dropout(self.narrow(y))


class Head(nn.Module):
    """[batch, steps, width] -> [batch, steps * FRAMES_PER_STEP, symbols] log-probabilities."""

    def __init__(self, width, symbols):
        super().__init__()
        self.symbols = symbols
        self.norm = nn.BatchNorm1d(width)
        self.out = nn.Linear(width, symbols * FRAMES_PER_STEP)

    def forward(self, x):
        scores = self.out(F.relu(self.norm(x.transpose(1, 2)).transpose(1, 2)))
        return scores.reshape(scores.shape[0], -1, self.symbols).log_softmax(-1)


class Recogniser(nn.Module):
    """Features [batch, frames, BANDS] and their frame counts [batch] -> (phones, characters, CTC frames [batch])."""

    def __init__(self, phones, characters, width=256, blocks=8, kernel=13, expansion=2, dropout=0.0):
        super().__init__()
        self.settings = dict(
            phones=phones, characters=characters, width=width, blocks=blocks, kernel=kernel, expansion=expansion, dropout=dropout
        )
        self.first = nn.Conv1d(BANDS, width // 2, 5, stride=2, padding=2, bias=False)
        self.first_norm = nn.BatchNorm1d(width // 2)
        self.second = nn.Conv1d(width // 2, width, 5, stride=2, padding=2, bias=False)
        self.second_norm = nn.BatchNorm1d(width)
        self.blocks = nn.ModuleList(Block(width, kernel, expansion, dropout) for _ in range(blocks))
        self.phones = Head(width, phones)
        # Spelling looks a little further than sound: one block of its own.
        self.spelling = Block(width, kernel, expansion, dropout)
        self.characters = Head(width, characters)

    def forward(self, features, frames):
        x = F.relu(self.first_norm(self.first(features.transpose(1, 2))))
        x = x * mask_of((frames + 1) // 2, x.shape[2]).unsqueeze(1)
        x = F.relu(self.second_norm(self.second(x))).transpose(1, 2)
        steps = (frames + 3) // 4
        mask = mask_of(steps, x.shape[1]).unsqueeze(2)
        for block in self.blocks:
            x = block(x, mask)
        return self.phones(x), self.characters(self.spelling(x, mask)), steps * FRAMES_PER_STEP


def load(path, device="cpu"):
    """The averaged model of a checkpoint, ready to run, and the checkpoint's record of its training."""
    checkpoint = torch.load(path, map_location=device, weights_only=True)
    model = Recogniser(**checkpoint["settings"])
    model.load_state_dict(checkpoint["weights"])
    return model.to(device).eval(), checkpoint["record"]
