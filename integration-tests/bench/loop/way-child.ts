/** Runs one way of decoding speech, in a process of its own. */
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { askChild } from "./bench-child.ts";
import type { BenchModel, Format, Way } from "./bench-models.ts";

/** What shared/asr/bench/loop/way.ts prints last. */
const answerSchema = z.object({
  load_s: z.number(),
  seconds: z.array(z.number()),
  tokens: z.array(z.array(z.number().int())),
  scores: z.array(z.number()),
});
export type WayAnswer = z.infer<typeof answerSchema>;

export interface WayOrder {
  model: BenchModel;
  way: Way;
  device: "cpu" | "cuda";
  format: Format;
  rows: number;
  seconds: number;
  budget: number;
  rounds: number;
  inputs: string;
  cuda: Readonly<Record<string, string>>;
  /** Where the way's program lies; default: among the sources. */
  program?: string;
}

/** Throws with the end of the child's error output. */
export async function runWay({ model, program, ...order }: WayOrder): Promise<WayAnswer> {
  const script = program ?? sourceOf(model.architecture);
  return answerSchema.parse(await askChild(script, { ...order, folder: model.folder }));
}

const sourceOf = (architecture: string) =>
  fileURLToPath(new URL(`../../../shared/asr/bench/loop/ways/${architecture}.ts`, import.meta.url));
