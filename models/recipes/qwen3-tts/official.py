"""The official package without what it imports for its other codec alone: neither sox nor torchaudio is called here."""

import sys
from types import ModuleType

# Looks for packages when it is imported, and must not find these.
import transformers.utils.import_utils  # noqa: F401

for name in ("sox", "torchaudio", "torchaudio.compliance", "torchaudio.compliance.kaldi"):
    sys.modules.setdefault(name, ModuleType(name))

from qwen_tts import Qwen3TTSModel  # noqa: E402
from qwen_tts.core import Qwen3TTSTokenizerV2Config, Qwen3TTSTokenizerV2Model  # noqa: E402
from qwen_tts.core.models import Qwen3TTSConfig, Qwen3TTSForConditionalGeneration  # noqa: E402

__all__ = [
    "Qwen3TTSConfig", "Qwen3TTSForConditionalGeneration", "Qwen3TTSModel", "Qwen3TTSTokenizerV2Config", "Qwen3TTSTokenizerV2Model",
]  # fmt: skip
