/** What a step's process is told, and how it answers. */
import * as z from "zod";

export const orderSchema = z.object({
  step: z.string(),
  device: z.enum(["cpu", "cuda"]),
  /** Made for this run, removed after it. */
  work: z.string(),
  /** Name of the model, for steps that are about one. */
  model: z.string().optional(),
  /** Of a graph, for the step that opens one. */
  graph: z.string().optional(),
});
export type Order = z.infer<typeof orderSchema>;

export type Tell = (fields: Record<string, unknown>) => void;

/** Each line is kept by who started the step, whatever comes after it. */
export const tell: Tell = (fields) => {
  process.stdout.write(`${JSON.stringify(fields)}\n`);
};

/** What differs between devices: on a CPU everything is smaller, so that all of it ends in time on two cores. */
export const sizes = {
  cuda: {
    formats: {
      "whisper-base": ["float16", "float32"],
      "qwen3-asr-0.6b": ["float16", "float32"],
      "qwen3-tts-0.6b": ["float16", "float32"],
    },
    rows: [1, 8, 16],
    seconds: 20,
    rounds: 3,
    /** Passes of a size before those that count: on CUDA the first chooses algorithms and makes room. */
    uncounted: 1,
    /** Of the ways of decoding: rows that are compared, rows that are timed, most tokens of a row. */
    ways: { compared: 4, timed: 16, budget: 48, seconds: 10 },
    /** Of making speech: rows and frames that are compared, numbers of rows that are timed, frames of a row there. */
    talkers: { compared: 4, comparedFrames: 16, batches: [1, 8, 16], frames: 32 },
    whisperTokens: 60,
    chaos: { items: 45, kills: 2 },
  },
  cpu: {
    formats: {
      "whisper-base": ["float32"],
      "qwen3-asr-0.6b": ["float32", "int8"],
      "qwen3-tts-0.6b": ["float32"],
    },
    rows: [1, 8],
    seconds: 3,
    rounds: 1,
    uncounted: 0,
    ways: { compared: 2, timed: 2, budget: 8, seconds: 3 },
    talkers: { compared: 2, comparedFrames: 6, batches: [2], frames: 6 },
    whisperTokens: 16,
    chaos: { items: 30, kills: 1 },
  },
} as const;

export const models = ["whisper-base", "qwen3-asr-0.6b", "qwen3-tts-0.6b"] as const;
export type ModelName = (typeof models)[number];
/** The one that speaks; the others hear. */
export const speaking = (model: string | undefined): boolean => model === "qwen3-tts-0.6b";

export function isModel(name: string | undefined): name is ModelName {
  return models.some((model) => model === name);
}
