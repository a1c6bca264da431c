"""One engine of the bench in a process of its own: faster-whisper, transformers, onnx-asr, qwen-asr, sherpa-onnx.

    python peers.py ENGINE MODEL_FOLDER SEGMENTS.pcm SEGMENT_SECONDS TOKENS THREADS

Loads, writes {"load_s"}, then answers each line {"batch", "beams"} of its input with {"seconds", "tokens"}: how long the first
segments of that number took, from samples in memory to texts, and how many tokens each of them said.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

RATE = 16_000


class FasterWhisper:
    def __init__(self, folder, tokens, threads):
        from faster_whisper import WhisperModel
        from faster_whisper.tokenizer import Tokenizer

        self.model = WhisperModel(str(folder / "ctranslate2"), device="cpu", compute_type="int8", cpu_threads=threads)
        self.tokenizer = Tokenizer(self.model.hf_tokenizer, True, task="transcribe", language="en")
        self.tokens = tokens

    def run(self, clips, beams):
        from faster_whisper.audio import pad_or_trim

        # What BatchedInferencePipeline does with the pieces of one file; here they are the batch's segments.
        features = np.stack([pad_or_trim(self.model.feature_extractor(clip)[..., :-1]) for clip in clips])
        prompt = self.model.get_prompt(self.tokenizer, previous_tokens=[], without_timestamps=True)
        # CTranslate2 stops Whisper at half of max_length.
        results = self.model.model.generate(
            self.model.encode(features), [prompt] * len(clips), beam_size=beams, max_length=2 * self.tokens,
            suppress_blank=True, suppress_tokens=[-1], return_scores=True, return_no_speech_prob=True,
        )  # fmt: skip
        said = [result.sequences_ids[0] for result in results]
        return said, [self.tokenizer.decode(one) for one in said]


class Transformers:
    def __init__(self, folder, tokens, threads, dtype="float32"):
        import torch
        from transformers import PreTrainedTokenizerFast, WhisperFeatureExtractor, WhisperForConditionalGeneration

        torch.set_num_threads(threads)
        checkpoint = folder / "transformers"
        self.torch, self.dtype, self.tokens = torch, getattr(torch, dtype), tokens
        self.model = WhisperForConditionalGeneration.from_pretrained(checkpoint, dtype=self.dtype, attn_implementation="sdpa").eval()
        self.features = WhisperFeatureExtractor.from_pretrained(checkpoint)
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(checkpoint)

    def run(self, clips, beams):
        features = self.features(clips, sampling_rate=RATE, return_tensors="pt").input_features.to(self.dtype)
        with self.torch.inference_mode():
            ids = self.model.generate(
                features, language="en", task="transcribe", return_timestamps=False, num_beams=beams, do_sample=False,
                max_new_tokens=self.tokens,
            )  # fmt: skip
        # The prompt, where generate answers it, is left out, and what fills a row that ended.
        end = self.model.generation_config.eos_token_id
        said = [[token for token in row[-self.tokens :].tolist() if token != end] for row in ids]
        return said, self.tokenizer.batch_decode(said, skip_special_tokens=True)


class OnnxAsr:
    def __init__(self, folder, tokens, threads, quantization="quantized"):
        import onnx_asr
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        model = onnx_asr.load_model(
            "whisper", folder / "optimum", quantization=quantization, sess_options=options, providers=["CPUExecutionProvider"]
        )
        self.asr, self.tokens = model.asr, tokens

    def run(self, clips, beams):
        if beams > 1:
            raise SystemExit("onnx-asr has no beam search")
        # recognize_batch with its prompt and its decoding, which takes the length as an argument.
        asr, waveforms = self.asr, np.stack(clips)
        prompts = np.repeat(asr._transcribe_input, len(clips), axis=0)
        prompts[:, 1] = asr._tokens["<|en|>"]
        encoded = asr._encode(waveforms, np.full(len(clips), waveforms.shape[1], np.int64))
        length = prompts.shape[1]
        rows = asr._decoding(encoded, prompts, length + self.tokens)[:, length:].tolist()
        said = [[token for token in row if token != asr._eos_token_id] for row in rows]
        return said, [asr._decode_tokens(row).text for row in said]


class QwenAsr:
    def __init__(self, folder, tokens, threads, dtype="float32"):
        recipes = Path(__file__).resolve().parent.parent
        sys.path.insert(0, str(recipes / "qwen3-asr"))
        import torch
        from checkpoint import make_processor
        from qwen_asr import Qwen3ASRModel
        from qwen_asr.core.transformers_backend import Qwen3ASRForConditionalGeneration

        torch.set_num_threads(threads)
        checkpoint = folder / "transformers"
        self.torch, self.tokens = torch, tokens
        model = Qwen3ASRForConditionalGeneration.from_pretrained(checkpoint, dtype=getattr(torch, dtype)).eval()
        model.thinker.tie_weights()
        self.processor = make_processor(checkpoint / "tokenizer.json")
        self.model = model
        self.prompt = Qwen3ASRModel("transformers", model, self.processor)._build_text_prompt("", "English")
        self.ends = {self.processor.tokenizer.convert_tokens_to_ids(token) for token in ("<|im_end|>", "<|endoftext|>")}

    def run(self, clips, beams):
        # Qwen3ASRModel._infer_asr_transformers, which answers only texts.
        inputs = self.processor(text=[self.prompt] * len(clips), audio=clips, return_tensors="pt", padding=True).to(self.model.dtype)
        with self.torch.inference_mode():
            answer = self.model.generate(**inputs, max_new_tokens=self.tokens)
        rows = answer.sequences[:, inputs["input_ids"].shape[1] :].tolist()
        said = [[token for token in row if token not in self.ends] for row in rows]
        return said, self.processor.batch_decode(said, skip_special_tokens=True)


class SherpaOnnx:
    def __init__(self, folder, tokens, threads):
        import sherpa_onnx

        at = {part: str(folder / "sherpa" / f"{part}.int8.onnx") for part in ("encoder", "decoder")}
        words = folder / "sherpa" / "tokens.txt"
        self.options = {}
        if words.exists():
            # Says six tokens for each second that it heard: nothing to set.
            self.recognizer = sherpa_onnx.OfflineRecognizer.from_whisper(**at, tokens=str(words), language="en", num_threads=threads)
            return
        self.options = {"language": "English"}
        self.recognizer = sherpa_onnx.OfflineRecognizer.from_qwen3_asr(
            **at, conv_frontend=str(folder / "sherpa" / "conv_frontend.onnx"), tokenizer=str(folder / "sherpa" / "tokenizer"),
            num_threads=threads, max_new_tokens=tokens,
        )  # fmt: skip

    def run(self, clips, beams):
        if beams > 1:
            raise SystemExit("sherpa-onnx has no beam search for these models")
        streams = [self.recognizer.create_stream() for _ in clips]
        for stream, clip in zip(streams, clips):
            for option in self.options.items():
                stream.set_option(*option)
            stream.accept_waveform(RATE, clip)
        self.recognizer.decode_streams(streams)
        results = [stream.result for stream in streams]
        return [result.tokens for result in results], [result.text for result in results]


def bfloat16(engine):
    def load(*given):
        # Some virtual machines announce AMX and end the process that uses it.
        os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")
        return engine(*given, dtype="bfloat16")

    return load


ENGINES = {
    "faster-whisper int8": FasterWhisper,
    "transformers float32": Transformers,
    "transformers bfloat16": bfloat16(Transformers),
    "onnx-asr int8": OnnxAsr,
    "onnx-asr float32": lambda *given: OnnxAsr(*given, quantization=None),
    "sherpa-onnx int8": SherpaOnnx,
    "qwen-asr float32": QwenAsr,
    "qwen-asr bfloat16": bfloat16(QwenAsr),
}


def main():
    engine, folder, segments, seconds, tokens, threads = sys.argv[1:]
    clips = np.fromfile(segments, "<i2").astype(np.float32).reshape(-1, int(seconds) * RATE) / 32_768
    # What libraries print must not stand among the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    began = time.perf_counter()
    loaded = ENGINES[engine](Path(folder), int(tokens), int(threads))
    print(json.dumps({"load_s": time.perf_counter() - began}), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        began = time.perf_counter()
        said, texts = loaded.run(list(clips[: asked["batch"]]), asked["beams"])
        taken = time.perf_counter() - began
        if len(texts) != asked["batch"]:
            raise SystemExit(f"{len(texts)} texts for {asked['batch']} segments")
        print(json.dumps({"seconds": taken, "tokens": [len(one) for one in said]}), file=answers, flush=True)


if __name__ == "__main__":
    main()
