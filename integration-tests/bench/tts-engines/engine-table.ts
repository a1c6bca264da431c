/** Which engines say the models of `bench:tts-engines`, and how each is started. */
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { type EngineChild, startEngineChild } from "../engines/engine-child.ts";
import { sizes } from "./model-size.ts";
import { REFERENCE_TEXT, textOf } from "./texts.ts";

export const THREADS = 2;
export const FRAME_SECONDS = 0.08;

/** models/recipes/bench-tts-engines/weights.py has the same names. `usual`: measured unless others are asked for. */
export const models = {
  "qwen3-tts-0.6b-custom-voice": { size: sizes["0.6b"], usual: true },
  "qwen3-tts-0.6b-base": { size: sizes["0.6b"], usual: true },
  "qwen3-tts-1.7b-custom-voice": { size: sizes["1.7b"], usual: false },
} as const;

export type ModelName = keyof typeof models;

export interface EngineEntry {
  name: string;
  /** Of its weights. */
  bytesPerWeight: number;
  /** Parlance's folder; undefined: the engine runs in peers.py. */
  format: "int8" | "int4" | undefined;
}

/** What a checkpoint is exported to for a CPU, and what Parlance is compared by. */
export const OWN = "parlance int8";

export const engines: readonly EngineEntry[] = [
  { name: OWN, bytesPerWeight: 1, format: "int8" },
  { name: "parlance int4", bytesPerWeight: 0.625, format: "int4" },
  { name: "qwen-tts float32", bytesPerWeight: 4, format: undefined },
  { name: "qwen-tts bfloat16", bytesPerWeight: 2, format: undefined },
];

/** What an engine answers to `{ batch }`. Of its rows the one that waited longest for its first sound counts. */
export const passSchema = z.object({
  seconds: z.number().positive(),
  first_sound_s: z.number().positive(),
  frames: z.array(z.number().int()),
});
export type Pass = z.infer<typeof passSchema>;

/** Seconds of one frame of all rows in each part. */
export const partsSchema = z.object({ talker: z.number(), predictor: z.number(), codec: z.number() });
export type Parts = z.infer<typeof partsSchema>;

/** Below one folder: the models, and the Python that runs the peers. */
export interface Workplace {
  folder: string;
  python: string;
  frames: number;
}

const at = (file: string) => fileURLToPath(new URL(file, import.meta.url));

export function startEntry(entry: EngineEntry, model: ModelName, place: Workplace): Promise<EngineChild> {
  const folder = `${place.folder}/models/${model}`;
  const said = [textOf(place.frames), REFERENCE_TEXT];
  if (entry.format !== undefined) {
    const own = [at("parlance.ts"), `${folder}/parlance-${entry.format}`, ...said, `${THREADS}`];
    return startEngineChild(process.execPath, own, THREADS);
  }
  const peers = at("../../../models/recipes/bench-tts-engines/peers.py");
  const given = [peers, entry.name, folder, ...said, `${place.frames}`, `${THREADS}`];
  return startEngineChild(place.python, given, THREADS);
}

/** What tells where Parlance's time goes; undefined for a peer. */
export async function startParts(
  { format }: EngineEntry,
  model: ModelName,
  { folder }: Workplace,
): Promise<EngineChild | undefined> {
  if (format === undefined) return undefined;
  const given = [at("parts-child.ts"), `${folder}/models/${model}/parlance-${format}`, `${THREADS}`];
  return startEngineChild(process.execPath, given, THREADS);
}
