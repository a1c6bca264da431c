"""Trains the recogniser on the shards of a folder, with CTC on phones and on characters.

The learning rate warms up, stays, and falls linearly to nothing over the last `--decay-hours` of audio. The end is
`--hours` of audio processed, or earlier the time `--until`: what is left is then estimated from the speed so far, so a
busy machine still lands on a finished schedule. A killed run goes on from its last checkpoint with the same command;
`model.pt` in the run's folder is the exponential average of the weights, which is what gets exported.
"""

import argparse
import copy
import datetime
import os
import random
import signal
import time
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import lexicon as lexicons
from features import WINDOW, Augmentation, filterbank, frame_count, mask_of, mel_power, normalise, spec_augment
from model import Recogniser
from shards import RATE, pools, render

WARM_UP_STEPS = 200
PHONE_WEIGHT = 0.7
AVERAGE, AVERAGE_EVERY = 0.998, 4


class Progress:
    """How much is done and left, in hours of audio; turns it into a learning rate."""

    def __init__(self, hours, decay_hours, until):
        self.hours, self.decay_hours, self.until = hours, decay_hours, until
        self.done, self.factor = 0.0, 1.0
        self.marks = [(time.time(), 0.0)]

    def add(self, hours):
        self.done += hours
        now = time.time()
        self.marks.append((now, self.done))
        while now - self.marks[0][0] > 300:
            self.marks.pop(0)

    def speed(self):
        """Hours of audio per hour of the clock over the last five minutes."""
        (start, before), (end, after) = self.marks[0], self.marks[-1]
        return (after - before) / max(1e-3, (end - start) / 3600)

    def left(self):
        left = self.hours - self.done
        if self.until is not None and len(self.marks) > 20:
            left = min(left, (self.until - time.time()) / 3600 * self.speed())
        return left

    def learning_factor(self, step):
        self.factor = min(self.factor, max(0.0, self.left() / self.decay_hours))
        return min(1.0, (step + 1) / WARM_UP_STEPS) * self.factor


def clock_time(text):
    """Seconds since the epoch of HH:MM (the next one) or an ISO date and time."""
    if len(text) > 5:
        return datetime.datetime.fromisoformat(text).timestamp()
    now = datetime.datetime.now()
    then = now.replace(hour=int(text[:2]), minute=int(text[3:]), second=0)
    return (then if then > now else then + datetime.timedelta(days=1)).timestamp()


class Collator:
    """Items -> padded features and flat CTC targets."""

    def __init__(self, lexicon, device, strength):
        self.lexicon, self.device, self.strength = lexicon, device, strength
        self.bank, self.window = filterbank().to(device), torch.hann_window(WINDOW).to(device)
        self.augment = Augmentation(strength)

    def __call__(self, batch, shards, rng):
        rows = [render(item, shards, self.lexicon, rng) for item in batch]
        lengths = torch.tensor([len(audio) for audio, _, _ in rows])
        audio = np.zeros((len(rows), int(lengths.max())), np.float32)
        for row, (samples, _, _) in enumerate(rows):
            audio[row, : len(samples)] = samples
        frames = frame_count(lengths).to(self.device)
        power = mel_power(torch.from_numpy(audio).to(self.device), self.bank, self.window)
        mask = mask_of(frames, power.shape[1])
        features = spec_augment(normalise(self.augment(power, mask), mask), frames.tolist(), rng, self.strength)
        targets = []
        for place in (1, 2):
            targets.append(torch.tensor([symbol for row in rows for symbol in row[place]], dtype=torch.long))
            targets.append(torch.tensor([len(row[place]) for row in rows]))
        return features, frames, targets, float(lengths.sum()) / RATE


def ctc(scores, frames, symbols, counts):
    """CTC loss per symbol of [batch, frames, symbols] log-probabilities; a batch of little but noise counts less."""
    loss = F.ctc_loss(scores.transpose(0, 1), symbols, frames.cpu(), counts, reduction="sum", zero_infinity=True)
    return loss / torch.maximum(counts.sum(), frames.sum().cpu() // 10)


class Run:
    """Everything a killed training needs to go on, kept in one folder."""

    def __init__(self, folder, settings, learning_rate, device):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.model = Recogniser(**settings).to(device)
        self.average = copy.deepcopy(self.model)
        matrices = [p for p in self.model.parameters() if p.ndim > 1]
        vectors = [p for p in self.model.parameters() if p.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": 1e-2}, {"params": vectors, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98), fused=True)
        self.step, self.pool, self.hours, self.factor = 0, 0, 0.0, 1.0

    def resume(self):
        path = self.folder / "state.pt"
        if path.exists():
            state = torch.load(path, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.pool, self.hours, self.factor = state["step"], state["pool"], state["hours"], state["factor"]

    def save(self, record):
        """Both files are replaced by a rename: a kill at any moment leaves the old or the new one."""
        state = dict(
            model=self.model.state_dict(), average=self.average.state_dict(), optimiser=self.optimiser.state_dict(),
            step=self.step, pool=self.pool, hours=self.hours, factor=self.factor,
        )  # fmt: skip
        export = dict(settings=self.model.settings, weights=self.average.state_dict(), record=record)
        for name, content in (("state.pt", state), ("model.pt", export)):
            torch.save(content, self.folder / f"{name}.partial")
            os.replace(self.folder / f"{name}.partial", self.folder / name)

    @torch.no_grad()
    def update_average(self):
        keep = min(AVERAGE, self.step / (self.step + 50)) ** AVERAGE_EVERY
        pairs = zip(self.average.state_dict().values(), self.model.state_dict().values())
        means, values = zip(*((mean, value) for mean, value in pairs if mean.dtype.is_floating_point))
        torch._foreach_lerp_(means, values, 1 - keep)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shards", type=Path)
    parser.add_argument("lexicon", type=Path)
    parser.add_argument("run", type=Path, help="folder of checkpoints, log and averaged model")
    parser.add_argument("--hours", type=float, default=600, help="hours of audio to process, repeats included")
    parser.add_argument("--decay-hours", type=float, default=60, help="hours over which the learning rate falls at the end")
    parser.add_argument("--until", type=clock_time, help="latest end, HH:MM or an ISO date and time")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--blocks", type=int, default=8)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--batch-seconds", type=float, default=24)
    parser.add_argument("--learning-rate", type=float, default=2.2e-3)
    parser.add_argument("--augment", type=float, default=1.0, help="strength of the augmentation, 0 to 1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--save-minutes", type=float, default=3)
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    lexicon = lexicons.load(options.lexicon)
    settings = dict(
        phones=len(lexicons.PHONE_SYMBOLS), characters=len(lexicons.CHARACTER_SYMBOLS), width=options.width,
        blocks=options.blocks, dropout=options.dropout,
    )  # fmt: skip
    run = Run(options.run, settings, options.learning_rate, options.device)
    run.resume()
    progress = Progress(options.hours, options.decay_hours, options.until)
    progress.done, progress.factor = run.hours, run.factor
    progress.marks = [(time.time(), run.hours)]
    collate = Collator(lexicon, options.device, options.augment)
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    print(f"{sum(p.numel() for p in run.model.parameters())} parameters, from step {run.step}, {run.hours:.2f} h", flush=True)

    def record(shards):
        hours = {group: round(seconds / 3600, 2) for group, seconds in sorted(shards.seconds.items())}
        return dict(
            seed=options.seed, steps=run.step, audioHoursProcessed=round(run.hours, 1), uniqueHours=hours,
            torch=str(torch.__version__), device=options.device, batchSeconds=options.batch_seconds, learningRate=options.learning_rate,
            augment=options.augment,
        )  # fmt: skip

    means, saved = {}, time.time()
    for number, shards, batches in pools(options.shards, options.seed, run.pool, options.batch_seconds):
        for place, batch in enumerate(batches):
            rng = random.Random(zlib.crc32(f"{options.seed} batch {number} {place}".encode()))
            factor = progress.learning_factor(run.step)
            if stopping or progress.left() <= 0:
                run.hours, run.factor, run.pool = progress.done, progress.factor, number + 1
                run.save(record(shards))
                print(f"ended at step {run.step}, {run.hours:.2f} h", flush=True)
                return
            for group in run.optimiser.param_groups:
                group["lr"] = options.learning_rate * max(factor, 1e-3)
            run.model.train()
            features, frames, (phones, phone_counts, characters, character_counts), seconds = collate(batch, shards, rng)
            phone_scores, character_scores, ctc_frames = run.model(features, frames)
            phone_loss = ctc(phone_scores, ctc_frames, phones, phone_counts)
            character_loss = ctc(character_scores, ctc_frames, characters, character_counts)
            loss = PHONE_WEIGHT * phone_loss + (1 - PHONE_WEIGHT) * character_loss
            run.optimiser.zero_grad()
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(run.model.parameters(), 5.0)
            # A step whose gradient overflowed would poison the weights and the averages of the normalisations.
            if torch.isfinite(norm):
                run.optimiser.step()
            run.step += 1
            if run.step % AVERAGE_EVERY == 0:
                run.update_average()
            progress.add(seconds / 3600)
            for name, value in (("phone", phone_loss), ("character", character_loss), ("norm", norm)):
                means[name] = value.item() if name not in means else 0.98 * means[name] + 0.02 * value.item()
            if run.step % 100 == 0:
                print(
                    f"{time.strftime('%H:%M:%S')} step {run.step} hours {progress.done:.2f} phone {means['phone']:.3f} character "
                    f"{means['character']:.3f} norm {means['norm']:.2f} rate {factor:.3f} speed {progress.speed():.0f}x "
                    f"left {progress.left():.1f} h shards {len(shards.known)}",
                    flush=True,
                )
            if time.time() - saved > options.save_minutes * 60:
                # A resumed run starts at the next pool: the rest of this one is skipped, never repeated.
                run.hours, run.factor, run.pool = progress.done, progress.factor, number + 1
                run.save(record(shards))
                saved = time.time()


if __name__ == "__main__":
    main()
