/** Which engines read which model, and how each is started. */
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { type EngineChild, startEngineChild } from "./engine-child.ts";

export const THREADS = 2;
export const SEGMENT_SECONDS = 10;

/**
 * Tokens that every engine says for a segment (models/recipes/bench-engines/weights.py has the same numbers), and the model's part
 * of the time for a run.
 */
export const models = {
  "whisper-base": { tokens: 60, family: "whisper", part: 1 },
  "whisper-small": { tokens: 60, family: "whisper", part: 3 },
  "qwen3-asr-0.6b": { tokens: 65, family: "qwen3-asr", part: 2 },
} as const;

export type ModelName = keyof typeof models;

export interface EngineEntry {
  name: string;
  beams: number;
  /** `parlance` and `transformers.js` run in Node, all others in peers.py. */
  runs: "parlance" | "transformers.js" | "python";
}

const greedy = (name: string, runs: EngineEntry["runs"] = "python"): EngineEntry => ({ name, runs, beams: 1 });

export const enginesOf: Record<"whisper" | "qwen3-asr", readonly EngineEntry[]> = {
  whisper: [
    greedy("parlance int8", "parlance"),
    greedy("faster-whisper int8"),
    greedy("transformers float32"),
    greedy("transformers bfloat16"),
    greedy("onnx-asr int8"),
    greedy("sherpa-onnx int8"),
    greedy("transformers.js int8", "transformers.js"),
  ],
  "qwen3-asr": [
    greedy("parlance int8", "parlance"),
    greedy("qwen-asr float32"),
    greedy("qwen-asr bfloat16"),
    greedy("sherpa-onnx int8"),
  ],
};

/** What only the slower way of looking for a text is asked of, with `--beams`. */
export const beamEngines: readonly EngineEntry[] = [
  { name: "parlance int8", runs: "parlance", beams: 5 },
  { name: "faster-whisper int8", runs: "python", beams: 5 },
  { name: "transformers float32", runs: "python", beams: 5 },
];

/** What an engine answers to `{ batch, beams }`: how long the first segments of that number took, and the tokens of each. */
export const passSchema = z.object({ seconds: z.number().positive(), tokens: z.array(z.number().int()) });

export const recipe = new URL("../../../models/recipes/bench-engines/", import.meta.url);

export function startEntry(entry: EngineEntry, model: ModelName, work: string, segments: string): Promise<EngineChild> {
  const folder = `${work}/models/${model}`;
  const given = [segments, `${SEGMENT_SECONDS}`, `${models[model].tokens}`, `${THREADS}`];
  const at = (file: string) => fileURLToPath(new URL(file, recipe));
  switch (entry.runs) {
    case "parlance": {
      const script = fileURLToPath(new URL("parlance.ts", import.meta.url));
      return startEngineChild(process.execPath, [script, `${folder}/parlance`, ...given, `${entry.beams}`], THREADS);
    }
    case "transformers.js": {
      const args = [at("transformers-js.mjs"), `${work}/transformers.js`, folder, ...given];
      return startEngineChild(process.execPath, args, THREADS);
    }
    case "python":
      return startEngineChild(`${work}/venv/bin/python`, [at("peers.py"), entry.name, folder, ...given], THREADS);
  }
}
