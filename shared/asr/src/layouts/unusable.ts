/**
 * Folders and repositories that hold Whisper or Qwen3-ASR all right, but in a form that is not run: each is told what it has
 * and what to use instead. The last recogniser: it never recognises, it throws or lets pass.
 */
import { SpeechError } from "@parlance/contracts";
import type { FolderView } from "@parlance/model-store";
import * as z from "zod";

const configSchema = z.looseObject({ model_type: z.string() });

interface Model {
  name: string;
  /** What `model_type` begins with. */
  type: string;
  /** Files that only other programs' forms of it have, and whose they are. */
  others: readonly [file: RegExp, form: string][];
  advice: string;
}

const models: readonly Model[] = [
  {
    name: "Whisper",
    type: "whisper",
    others: [
      [/^ggml-.*\.bin$/, "whisper.cpp's weights"],
      [/^vocabulary\.(txt|json)$/, "CTranslate2's weights (faster-whisper)"],
      [/^(tiny|base|small|medium|large|turbo|distil).*-encoder(\.int8)?\.onnx$/, "sherpa-onnx's graphs"],
      [/^(tiny|base|small|medium|large).*\.pt$/, "openai-whisper's weights"],
    ],
    advice:
      "use openai/whisper-<size> (tiny to large-v3-turbo), whose graphs are known; or encoder_model.onnx and " +
      "decoder_model_merged.onnx as transformers.js and optimum name them, in it or in onnx/; or export its checkpoint " +
      "with models/recipes/whisper",
  },
  {
    name: "Qwen3-ASR",
    type: "qwen3_asr",
    others: [
      [/^conv_frontend\.onnx$/, "sherpa-onnx's graphs"],
      [/^prefill\.onnx$/, "graphs with a cache of fixed size"],
      [/^onnx_models\/encoder_conv\.onnx$/, "graphs with an encoder in two parts"],
      [/^decoder-(0\.6b|1\.7b).*\.onnx$/, "onnxruntime-genai's graphs"],
    ],
    advice:
      "use Qwen/Qwen3-ASR-0.6B or Qwen/Qwen3-ASR-1.7B, whose graphs are known; or encoder.onnx with decoder_init.onnx and " +
      "decoder_step.onnx, or with decoder_merged.onnx; or export its checkpoint with models/recipes/qwen3-asr",
  },
];

/** Throws a SpeechError for such a folder. */
export async function refuseUnusable({ files, readJson }: FolderView): Promise<undefined> {
  const config = files.has("config.json") ? configSchema.safeParse(await readJson("config.json")) : undefined;
  for (const { name, type, others, advice } of models) {
    const other = others.find(([file]) => [...files].some((path) => file.test(path)));
    if (other === undefined && config?.data?.model_type.startsWith(type) !== true) continue;
    const what = other === undefined ? contentOf(files) : `${other[1]} instead of graphs that are run here`;
    throw new SpeechError("validation_failed", `${name} with ${what}: ${advice}`, { param: "MODEL_ID" });
  }
  return undefined;
}

/** Names of a few graphs, or what stands there instead of any. */
function contentOf(files: ReadonlySet<string>): string {
  const graphs = [...files].filter((path) => path.endsWith(".onnx"));
  if (graphs.length > 0) {
    const some = graphs.slice(0, 4).join(", ");
    return `graphs of a layout that is not known (${some}${graphs.length > 4 ? ", …" : ""})`;
  }
  const weights = [...files].find((path) => /\.(safetensors|bin|pt|pth|gguf|msgpack|h5)$/.test(path));
  return weights === undefined ? "neither graphs nor weights" : `weights (${weights}) and no ONNX graphs`;
}
