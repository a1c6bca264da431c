"""Phrase lists: which of a closed set of phrases was said, by the CTC likelihood of each."""

import random

import numpy as np
import torch
import torch.nn.functional as F

import lexicon as lexicons
from shards import waveforms

DISTRACTORS, SEED = 99, 5


def best_phrase(scores, phrases, lexicon):
    """The phrase of highest CTC likelihood per [frames, phones] log-probabilities."""
    targets = [torch.tensor(lexicons.phones_of(phrase, lexicon)) for phrase in phrases]
    lengths = torch.tensor([len(target) for target in targets])
    repeated = torch.from_numpy(scores).unsqueeze(1).expand(-1, len(phrases), -1)
    frames = torch.full((len(phrases),), len(scores))
    # A phrase with more phones than frames is impossible; its infinite loss is just the worst.
    losses = F.ctc_loss(repeated, torch.cat(targets), frames, lengths, reduction="none")
    return phrases[int(torch.nan_to_num(losses, posinf=1e9).argmin())]


def one_word_different(phrase, vocabulary, rng):
    """The phrase and DISTRACTORS others that differ from it in one word."""
    words, made = phrase.split(), {phrase}
    while len(made) <= DISTRACTORS:
        changed = list(words)
        changed[rng.randrange(len(words))] = rng.choice(vocabulary)
        made.add(" ".join(changed))
    return sorted(made)


def phrase_accuracy(graph, lexicon, shard):
    """Percent right among all phrases of a set, and among each phrase and its one-word-different distractors."""
    spoken = [(graph(audio)[0], record["text"]) for audio, record in waveforms(shard)]
    # Words that the lexicon lacks have no phones: their phrases cannot be on a list of this mode.
    spoken = [(scores, text) for scores, text in spoken if all(word in lexicon for word in text.split())]
    phrases = sorted({text for _, text in spoken})
    vocabulary = sorted({word for text in phrases for word in text.split()})
    rng = random.Random(SEED)
    all_right = np.mean([best_phrase(scores, phrases, lexicon) == text for scores, text in spoken])
    close_right = np.mean(
        [best_phrase(scores, one_word_different(text, vocabulary, rng), lexicon) == text for scores, text in spoken]
    )
    return {
        "phrases": len(phrases),
        "amongAll": round(100 * float(all_right), 1),
        "amongOneWordDifferent": round(100 * float(close_right), 1),
    }
