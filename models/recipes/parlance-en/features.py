"""Log-mel features: 25 ms windows every 10 ms, 80 mel bands of 20 to 7600 Hz, normalised per utterance."""

import numpy as np
import torch
import torch.nn.functional as F

RATE = 16_000
HOP, WINDOW, FFT, BANDS = 160, 400, 512, 80
LOWEST_HZ, HIGHEST_HZ = 20.0, 7600.0


def hz_to_mel(hz):
    return 2595 * np.log10(1 + hz / 700)


def mel_to_hz(mel):
    return 700 * (10 ** (mel / 2595) - 1)


def band_edges():
    """[BANDS + 2] Hz: lower edge, centre and upper edge of each band are three neighbours."""
    return mel_to_hz(np.linspace(hz_to_mel(LOWEST_HZ), hz_to_mel(HIGHEST_HZ), BANDS + 2))


def filterbank():
    """[FFT / 2 + 1, BANDS] triangular filters of height 1."""
    edges, frequencies = band_edges(), np.arange(FFT // 2 + 1) * RATE / FFT
    bank = np.zeros((len(frequencies), BANDS), np.float32)
    for i in range(BANDS):
        rise = (frequencies - edges[i]) / (edges[i + 1] - edges[i])
        fall = (edges[i + 2] - frequencies) / (edges[i + 2] - edges[i + 1])
        bank[:, i] = np.maximum(0, np.minimum(rise, fall))
    return torch.from_numpy(bank)


def frame_count(samples):
    """Feature frames of so many samples; an empty input has one."""
    return samples // HOP + 1


def mask_of(frames, longest):
    """[batch, longest] float: 1 in the first `frames[row]` places."""
    return (torch.arange(longest, device=frames.device)[None] < frames[:, None]).float()


def mel_power(audio, bank, window):
    """[batch, samples] in [-1, 1] -> [batch, samples // HOP + 1, BANDS] power."""
    spectrum = torch.stft(audio, FFT, HOP, WINDOW, window, center=True, pad_mode="constant", return_complex=True)
    return (spectrum.real**2 + spectrum.imag**2).transpose(1, 2) @ bank


def normalise(power, mask):
    """Mel power [batch, frames, BANDS] and mask [batch, frames] -> features of about unit scale, 0 where masked.

    Frames count by their amplitude, so that silence around the speech, however long, moves neither the mean nor the
    floor, which lies 50 dB under the speech. Digital silence gives zeros.
    """
    mask = mask.unsqueeze(2)
    energy = power.mean(2, keepdim=True) * mask
    weight = (torch.sqrt(energy) + 1e-6) * mask
    total = weight.sum(1, keepdim=True)
    level = (weight * energy).sum(1, keepdim=True) / total
    logs = torch.log(power + 1e-5 * level + 1e-10)
    mean = (weight * logs).sum(1, keepdim=True) / total
    return (logs - mean) * mask / 3


def spec_augment(features, frames, rng, strength=1.0):
    """Blanks up to two bands and two stretches of time of every row, in place."""
    for row in range(features.shape[0]):
        for _ in range(2):
            if rng.random() > strength:
                continue
            width = rng.randint(0, 14)
            start = rng.randint(0, BANDS - width)
            features[row, :, start : start + width] = 0
            width = rng.randint(0, min(16, int(frames[row]) // 10))
            start = rng.randint(0, int(frames[row]) - width)
            features[row, start : start + width] = 0
    return features


class Augmentation:
    """Other vocal tracts, rooms, microphones, noises and channels, applied to mel power.

    Working on the power of bands instead of the waveform costs a tenth of a training step: reverberation is an
    exponential smear in time, a microphone a smooth curve over the bands, noise an exponentially distributed power.
    `strength` scales how many rows get each; the shares below are those of strength 1. A run that is too short to
    overfit learns clear speech sooner with less.
    """

    def __init__(self, strength=1.0):
        self.strength = strength
        self.centres = torch.from_numpy(band_edges()[1:-1].copy()).float()

    def chosen(self, rows, share):
        """[rows] bool: which rows get an effect."""
        return torch.rand(rows) < share * self.strength

    def warp(self, power):
        """Scales the frequency axis by 0.88 to 1.14 (vocal tract length) in half of the rows."""
        rows = power.shape[0]
        scale = torch.where(self.chosen(rows, 0.5), torch.empty(rows).uniform_(0.88, 1.14), torch.ones(rows))
        source = 2595 * torch.log10(1 + self.centres[None] * scale[:, None] / 700)
        low, high = hz_to_mel(LOWEST_HZ), hz_to_mel(HIGHEST_HZ)
        place = ((source - low) / (high - low) * (BANDS + 1) - 1).clamp(0, BANDS - 1)
        mix = (1 - (place[:, None, :] - torch.arange(BANDS)[None, :, None]).abs()).clamp(min=0)
        return torch.bmm(power, mix.to(power.device))

    def reverberate(self, power):
        """Late reverberation of 60 to 400 ms in a third of the rows."""
        rows = power.shape[0]
        chosen = self.chosen(rows, 0.33)
        length = 32
        decay = torch.empty(rows, 1).uniform_(2, 14)
        kernel = torch.exp(-torch.arange(length)[None] / decay) * torch.empty(rows, 1).uniform_(0.02, 0.3) * chosen[:, None]
        kernel[:, 0] = 1
        padded = F.pad(power.permute(2, 0, 1), (length - 1, 0))
        return F.conv1d(padded, kernel.flip(1).unsqueeze(1).to(power.device), groups=rows).permute(1, 2, 0)

    def curve(self, rows, knots, spread_db):
        """[rows, 1, BANDS] smooth random gains of power."""
        decibels = F.interpolate(torch.randn(rows, 1, knots) * spread_db, size=BANDS, mode="linear", align_corners=True)
        return 10 ** (decibels / 10)

    def add_noise(self, power, mask):
        """Coloured noise 5 to 40 dB under the row's mean power in 2 of 3 rows; a third of the noises come and go."""
        rows, frames, _ = power.shape
        ratio = torch.where(self.chosen(rows, 0.67), torch.empty(rows).uniform_(5, 40), torch.full((rows,), 60.0))
        colour = self.curve(rows, 5, 6.5)
        noise = torch.empty(rows, frames, BANDS).exponential_()
        noise = (noise + noise.roll(1, 0) + noise.roll(1, 1)) / 3 * colour / colour.mean(2, keepdim=True)
        envelope = F.interpolate(torch.randn(rows, 1, max(2, frames // 40)) * 5, size=frames, mode="linear", align_corners=True)
        changing = (torch.rand(rows, 1, 1) < 0.33).float()
        noise = noise * 10 ** (envelope.transpose(1, 2) * changing / 10)
        mean = (power * mask.unsqueeze(2)).sum((1, 2)) / (mask.sum(1) * BANDS)
        return power + noise.to(power.device) * (mean * 10 ** (-ratio.to(power.device) / 10)).view(rows, 1, 1)

    def limit_band(self, power):
        """A telephone's or a poor codec's band in 15 of 100 rows."""
        rows = power.shape[0]
        top = torch.where(self.chosen(rows, 0.15), torch.randint(50, 74, (rows,)), BANDS)
        bottom = torch.where(self.chosen(rows, 0.1), torch.randint(1, 8, (rows,)), 0)
        band = torch.arange(BANDS)[None]
        kept = ((band < top[:, None]) & (band >= bottom[:, None])).float().clamp(min=1e-5)
        return power * kept.unsqueeze(1).to(power.device)

    def __call__(self, power, mask):
        power = self.reverberate(self.warp(power))
        power = power * self.curve(power.shape[0], 6, 2.5).to(power.device)
        return self.limit_band(self.add_noise(power, mask))
