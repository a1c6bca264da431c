"""The texts, voices and references of the golden outputs."""

# text, language as the official package names it, speaker, instructions
CUSTOM_VOICE = [
    ("The quick brown fox jumps over the lazy dog.", "English", "ryan", ""),
    ("Hello.", "Auto", "vivian", ""),
    ("今天天气很好,我们去公园散步。", "Chinese", "vivian", ""),
    ("今天天气很好", "Chinese", "eric", ""),
    ("语音识别", "Auto", "dylan", "很慢"),
    ("Größe, Straße und Übermut: das ist ein langer Satz, der mehr Wörter hat als die anderen.", "German", "aiden", ""),
    ("où est la bibliothèque?", "French", "serena", "quickly, and whispering"),
    ("¿Dónde está la biblioteca?", "Spanish", "uncle_fu", ""),
    ("Где находится библиотека", "Russian", "ryan", "With much joy."),
    ("日本語の音声認識", "Japanese", "ono_anna", ""),
    ("한국어 음성 인식", "Korean", "sohee", ""),
    ("x", "Italian", "aiden", "sad"),
    ("One hundred languages is a hard problem, but the model will listen to the whole recording, and then it was not there at all.", "English",
     "serena", "Like somebody who reads the news."),
    ("2024, 3.14 e 42%", "Portuguese", "ryan", ""),
    ("the dog 😀 and the fox", "English", "dylan", ""),
    ("The quick brown fox jumps over the lazy dog.", "English", "vivian", ""),
]  # fmt: skip
VOICE_DESIGN = [
    ("The quick brown fox jumps over the lazy dog.", "English", "A deep, slow, male voice."),
    ("Hello.", "Auto", "young female voice, bright"),
    ("今天天气很好,我们去公园散步。", "Chinese", "低沉的男声"),
    ("x", "German", ""),
    ("Größe und Übermut", "German", "An old woman who is in a hurry, out of breath and somewhat angry."),
    ("où est la bibliothèque?", "French", "calm"),
]
# text, language, reference, reference text or None for the speaker's embedding alone
CLONE = [
    ("The quick brown fox jumps over the lazy dog.", "English", "short", "that it was not there"),
    ("Hello.", "Auto", "short", None),
    ("今天天气很好", "Chinese", "long", "我们去公园散步。"),
    ("Größe und Übermut: das ist ein langer Satz, der mehr Wörter hat als die anderen.", "German", "short", "x"),
    ("ok", "English", "long", "the quick brown fox jumps over the lazy dog and then the other fox says that it was not there at all"),
    ("où est la bibliothèque?", "French", "long", None),
]
# kind, samples at 24 kHz, seed
REFERENCES = {"short": ("voice", 13_000, 21), "long": ("voice", 60_480, 22)}
SEEDS = [0, 1, 7, 12_345, 4_294_967_000]


def row(text, language, speaker=None, instructions="", whole=True):
    return {"text": text, "language": language, "speaker": speaker, "instructions": instructions, "whole": whole}


CASES = {
    # The streaming layout too: the text goes in frame by frame.
    "custom_voice": [row(*case) for case in CUSTOM_VOICE] + [row(*case, whole=False) for case in CUSTOM_VOICE[:3]],
    "voice_design": [row(text, language, None, instructions) for text, language, instructions in VOICE_DESIGN],
}


def clone_cases():
    """In both layouts of the text; one is of use with a short reference and a long text, the other with the opposite."""
    return [
        row(text, language, whole=whole) | {"reference": reference, "referenceText": said}
        for whole in (True, False)
        for text, language, reference, said in CLONE
    ]
