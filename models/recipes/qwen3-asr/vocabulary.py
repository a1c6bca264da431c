"""A small byte-level BPE tokenizer of Qwen2's structure, with the special tokens of Qwen3-ASR under other ids."""

import json

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

# The order of the true vocabulary; the last two are not special there: decoding keeps them.
SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|audio_start|>", "<|audio_end|>", "<|audio_pad|>",
]  # fmt: skip
PLAIN = ["<asr_text>", "<timestamp>"]
# Ids of the true vocabulary.
TRUE_IDS = {
    "<|endoftext|>": 151_643, "<|im_start|>": 151_644, "<|im_end|>": 151_645, "<|audio_start|>": 151_669,
    "<|audio_end|>": 151_670, "<|audio_pad|>": 151_676, "<asr_text>": 151_704, "<timestamp>": 151_705,
}  # fmt: skip
# Qwen2's pattern: digits alone, letters with one leading sign, contractions.
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CORPUS = """system user assistant language English language Chinese language German language None
the quick brown fox jumps over the lazy dog and then the other fox says that it was not there at all
speech recognition of one hundred languages is a hard problem but the model will listen to the whole recording
今天天气很好,我们去公园散步。语音识别是一个有趣的问题。 日本語の音声認識 한국어 음성 인식
Größe, Straße und Übermut; où est la bibliothèque? ¿Dónde está la biblioteca? Где находится библиотека
"""
# What a Qwen3-ASR checkpoint has as its chat template: a system turn always, text of the user never.
CHAT_TEMPLATE = (
    "<|im_start|>system\n{% for message in messages %}{% if message.role == 'system' %}{{ message.content }}{% endif %}"
    "{% endfor %}<|im_end|>\n<|im_start|>user\n{% for message in messages %}{% if message.role == 'user' %}"
    "{% for part in message.content %}{% if part.type == 'audio' %}<|audio_start|><|audio_pad|><|audio_end|>{% endif %}"
    "{% endfor %}{% endif %}{% endfor %}<|im_end|>\n{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_tokenizer(size=600):
    """A tokenizer of about `size` tokens."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=False))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(SPECIAL) - len(PLAIN),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS.splitlines() * 4, trainer)
    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in PLAIN])
    return tokenizer


def make_full_tokenizer():
    """A tokenizer of the true size, with the special tokens under their true ids; most of its words are made up."""
    description = json.loads(make_tokenizer().to_str())
    vocabulary = {token: index for token, index in description["model"]["vocab"].items() if token not in TRUE_IDS}
    vocabulary = dict(zip(sorted(vocabulary, key=vocabulary.get), range(len(vocabulary))))
    for index in range(len(vocabulary), max(TRUE_IDS.values())):
        if index not in TRUE_IDS.values():
            vocabulary[f"Ġw{index}"] = index
    description["model"]["vocab"] = vocabulary | TRUE_IDS
    for token in description["added_tokens"]:
        token["id"] = TRUE_IDS[token["content"]]
    return Tokenizer.from_str(json.dumps(description))
