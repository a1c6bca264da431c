"""Trains the student on the shards of a folder: durations on symbols, and targets on the teacher's own durations.

The learning rate warms up, stays, and falls linearly to nothing over the last `DECAY` of the training, whose end is
`--epochs` or, on a busy machine, the time `--until`. A killed run goes on from its last checkpoint with the same command.
`model.pt` in the run's folder is the exponential average of the weights: usable at any time, and what gets exported.
"""

import argparse
import copy
import datetime
import os
import random
import time
import zlib
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import corpus
from model import FRAMES_PER_STEP, Voice, mask_of, position
from symbols import SYMBOLS

DEVELOPMENT = 120
WARM_UP_STEPS, DECAY = 100, 0.4
AVERAGE = 0.995
BATCH_FRAMES = 5_000
STRETCHED, STRETCH = 0.2, 3.0
PITCH, VOICED, CEPSTRUM, STRENGTHS = slice(0, 1), slice(1, 2), slice(2, 27), slice(27, 32)


def stretch(frames, targets, factor):
    """The same speech, `factor` times as long: lengths are rounded without drift, targets interpolated."""
    ends = np.rint(np.cumsum(frames) * factor).astype(np.int64)
    ends = np.maximum(ends, np.arange(1, len(ends) + 1))
    places = (np.arange(ends[-1]) + 0.5) * (len(targets) / ends[-1]) - 0.5
    low = np.clip(np.floor(places).astype(np.int64), 0, len(targets) - 1)
    high = np.minimum(low + 1, len(targets) - 1)
    part = np.clip(places - low, 0, 1)[:, None].astype(np.float32)
    mixed = targets[low] * (1 - part) + targets[high] * part
    mixed[:, VOICED] = mixed[:, VOICED] > 0.5
    return np.diff(ends, prepend=0), mixed


def collate(items, rng):
    """Padded tensors of a batch of (symbols, places, frames, targets). With `rng`, some rows change their pace and half of
    them begin a frame later, so that phones end in the middle of a step as often as not."""
    rows = []
    for symbols, places, frames, targets in items:
        paced, sounds = frames.astype(np.int64), targets.astype(np.float32)
        if rng is not None and rng.random() < STRETCHED:
            paced, sounds = stretch(paced, sounds, STRETCH ** rng.uniform(-1, 1))
        if rng is not None and paced[0] > 1 and rng.random() < 0.5:
            paced, sounds = np.concatenate([[paced[0] - 1], paced[1:]]), sounds[1:]
        rows.append((symbols, places, frames, paced, sounds))
    most_symbols = max(len(row[0]) for row in rows)
    most_steps = max(-(-len(row[4]) // FRAMES_PER_STEP) for row in rows)
    batch = {
        "symbols": torch.zeros(len(rows), most_symbols, dtype=torch.long),
        "places": torch.zeros(len(rows), most_symbols, dtype=torch.long),
        "frames": torch.ones(len(rows), most_symbols),
        "index": torch.zeros(len(rows), most_steps, dtype=torch.long),
        "position": torch.zeros(len(rows), most_steps, 4),
        "targets": torch.zeros(len(rows), most_steps * FRAMES_PER_STEP, corpus.TARGETS),
        "lengths": torch.tensor([len(row[0]) for row in rows]),
        "total": torch.tensor([len(row[4]) for row in rows]),
    }
    for i, (symbols, places, frames, paced, sounds) in enumerate(rows):
        batch["symbols"][i, : len(symbols)] = torch.from_numpy(symbols.astype(np.int64))
        batch["places"][i, : len(places)] = torch.from_numpy(places.astype(np.int64))
        batch["frames"][i, : len(frames)] = torch.from_numpy(frames.astype(np.float32))
        index, where = steps_of(torch.from_numpy(paced))
        batch["index"][i, : len(index)] = index
        batch["position"][i, : len(index)] = where
        batch["targets"][i, : len(sounds)] = torch.from_numpy(sounds)
    batch["steps"] = (batch["total"] + FRAMES_PER_STEP - 1) // FRAMES_PER_STEP
    return batch


def steps_of(frames):
    """The symbol of each step and its position in it, of symbols that last `frames` (int64)."""
    ends = frames.cumsum(0)
    middles = torch.arange(-(-int(ends[-1]) // FRAMES_PER_STEP)) * FRAMES_PER_STEP + FRAMES_PER_STEP / 2
    index = torch.searchsorted(ends.float(), middles, right=True).clamp(max=len(frames) - 1)
    return index, position((ends - frames)[index].float(), frames[index].float().clamp(min=1), middles)


def batches(items, seed, epoch):
    """Batches of similar lengths, shuffled."""
    rng = random.Random(zlib.crc32(f"{seed} epoch {epoch}".encode()))
    order = sorted(range(len(items)), key=lambda i: len(items[i][3]) + rng.uniform(0, 100))
    grouped, current = [], []
    for i in order:
        if current and len(items[i][3]) * (len(current) + 1) > BATCH_FRAMES:
            grouped.append(current)
            current = []
        current.append(items[i])
    grouped.append(current)
    rng.shuffle(grouped)
    return grouped, rng


def errors(model, batch):
    """The outputs' errors in the targets' own units, the mask of valid frames, and the error of log durations."""
    states, log_frames = model.encoder(batch["symbols"], batch["places"], batch["lengths"])
    given = model.decoder(states, batch["index"], batch["position"], batch["steps"])
    given = given * model.scale + model.mean
    valid = mask_of(batch["total"], given.shape[1])
    symbols = mask_of(batch["lengths"], log_frames.shape[1]).squeeze(2)
    lasting = (log_frames - batch["frames"].clamp(min=0.5).log()) * symbols
    return given, given - batch["targets"], valid, lasting, symbols.sum()


def loss_of(model, batch):
    given, wrong, valid, lasting, symbols = errors(model, batch)
    frames = valid.sum()
    voiced = batch["targets"][..., VOICED]
    step = (wrong[:, 1:, CEPSTRUM] - wrong[:, :-1, CEPSTRUM]) * valid[:, 1:]
    envelope = (wrong[..., CEPSTRUM] * valid).abs().sum() / frames
    motion = step.abs().sum() / frames
    pitch = (wrong[..., PITCH] * valid * (0.05 + voiced)).abs().sum() / frames
    decision = (F.binary_cross_entropy_with_logits(given[..., VOICED], voiced, reduction="none") * valid).sum() / frames
    strengths = (wrong[..., STRENGTHS] * valid).abs().sum() / frames
    duration = (lasting**2).sum() / symbols + lasting.abs().sum() / symbols
    return envelope + motion + 8 * pitch + decision + strengths + 2 * duration


@torch.no_grad()
def judge(model, items, device):
    """Figures on sentences that are not trained on, with the teacher's durations."""
    totals = {}
    for start in range(0, len(items), 20):
        batch = {name: values.to(device) for name, values in collate(items[start : start + 20], None).items()}
        given, wrong, valid, lasting, symbols = errors(model, batch)
        voiced = batch["targets"][..., VOICED]
        distortion = 10 / np.log(10) * (2 * (wrong[..., 3:27] ** 2).sum(-1, keepdim=True)).sqrt()
        for name, value, count in (
            ("melCepstralDistortionDb", (distortion * valid).sum(), valid.sum()),
            ("pitchErrorPercent", 100 * (wrong[..., PITCH].abs() * valid * voiced).sum(), (valid * voiced).sum()),
            ("voicingErrorPercent", 100 * (((given[..., VOICED] > 0).float() != voiced) * valid).sum(), valid.sum()),
            ("durationErrorPercent", 100 * lasting.abs().sum(), symbols),
        ):
            before = totals.get(name, (0.0, 0.0))
            totals[name] = (before[0] + float(value), before[1] + float(count))
    return {name: round(value / count, 3) for name, (value, count) in totals.items()}


def clock_time(text):
    """Seconds since the epoch of the next HH:MM."""
    now = datetime.datetime.now()
    then = now.replace(hour=int(text[:2]), minute=int(text[3:]), second=0)
    return (then if then > now else then + datetime.timedelta(days=1)).timestamp()


def save(path, content):
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    partial.rename(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shards", type=Path)
    parser.add_argument("out", type=Path, help="folder of the run")
    parser.add_argument("--epochs", type=float, default=30)
    parser.add_argument("--until", help="HH:MM: end by then, on a finished schedule")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2e-3)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    torch.manual_seed(options.seed)
    items = corpus.load(options.shards)
    development, items = items[-DEVELOPMENT:], items[:-DEVELOPMENT]
    hours = sum(len(item[3]) for item in items) * corpus.FRAME_SECONDS / 3600
    print(f"{len(items)} utterances, {hours:.2f} h", flush=True)

    model = Voice(len(SYMBOLS), corpus.TARGETS)
    sample = np.concatenate([item[3].astype(np.float32) for item in items[:1500]])
    model.mean.copy_(torch.from_numpy(sample.mean(0)))
    model.scale.copy_(torch.from_numpy(sample.std(0)))
    # Voicing comes out as the logit of its probability.
    model.mean[VOICED], model.scale[VOICED] = 0, 1
    model.to(options.device)
    average = copy.deepcopy(model)
    optimiser = torch.optim.AdamW(model.parameters(), options.rate, betas=(0.9, 0.98), weight_decay=0.01)
    state = {"epoch": 0.0, "whole": 0, "steps": 0, "factor": 1.0}
    checkpoint_path = options.out / "checkpoint.pt"
    if checkpoint_path.exists():
        found = torch.load(checkpoint_path, map_location=options.device, weights_only=True)
        model.load_state_dict(found["model"])
        average.load_state_dict(found["average"])
        optimiser.load_state_dict(found["optimiser"])
        state = found["state"]
        print(f"goes on after {state['epoch']:.2f} epochs", flush=True)
    until = clock_time(options.until) if options.until else None
    began, began_at = time.time(), state["epoch"]

    def checkpoint():
        figures = judge(average.eval(), development, options.device)
        record = {
            "seed": options.seed, "epochs": round(state["epoch"], 2), "steps": state["steps"], "uniqueHours": round(hours, 2),
            "torch": str(torch.__version__), "device": options.device, "learningRate": options.rate, "development": figures,
        }  # fmt: skip
        save(options.out / "model.pt", {"settings": model.settings, "weights": average.state_dict(), "record": record})
        save(
            checkpoint_path,
            {"model": model.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict(), "state": state},
        )
        print(f"epoch {state['epoch']:.2f} rate {state['factor']:.3f} loss {running:.3f} {figures}", flush=True)

    running, saved, finished = 0.0, time.time(), state["factor"] <= 0
    while not finished:
        grouped, rng = batches(items, options.seed, state["whole"])
        for number, group in enumerate(grouped):
            if state["whole"] + number / len(grouped) < state["epoch"] - 1e-9:
                continue
            state["epoch"] = state["whole"] + number / len(grouped)
            left = (options.epochs - state["epoch"]) / options.epochs
            if until is not None and time.time() - began > 60:
                speed = (state["epoch"] - began_at) / (time.time() - began)
                ahead = max(0.0, until - time.time()) * speed
                left = min(left, ahead / (state["epoch"] + ahead))
            state["factor"] = min(state["factor"], max(0.0, left / DECAY))
            if state["factor"] <= 0:
                finished = True
                break
            for part in optimiser.param_groups:
                part["lr"] = options.rate * state["factor"] * min(1.0, (state["steps"] + 1) / WARM_UP_STEPS)
            batch = {name: values.to(options.device) for name, values in collate(group, rng).items()}
            loss = loss_of(model, batch)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimiser.step()
            state["steps"] += 1
            keep = min(AVERAGE, (state["steps"] + 1) / (state["steps"] + 10))
            with torch.no_grad():
                for ours, theirs in zip(average.parameters(), model.parameters()):
                    ours.lerp_(theirs, 1 - keep)
            value = float(loss.detach())
            running = value if running == 0 else 0.98 * running + 0.02 * value
            if time.time() - saved > 120:
                checkpoint()
                saved = time.time()
        else:
            state["whole"] += 1
            state["epoch"] = float(state["whole"])
    checkpoint()


if __name__ == "__main__":
    main()
