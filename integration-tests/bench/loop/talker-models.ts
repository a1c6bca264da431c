/** What `bench:loop` makes speech with: a model of true size with random weights, written on the spot, or the small one of the tests. */
import { fileURLToPath } from "node:url";
import { trueSizeModel } from "../load/true-size-model.ts";
import type { Format } from "./bench-models.ts";

export interface TalkerModel {
  name: string;
  folder: string;
  formats: readonly Format[];
}

export const trueTalker = "qwen3-tts-0.6b";
export const smallTalker = "small qwen3-tts";
export const isTalker = (name: string): boolean => name === trueTalker || name === smallTalker;

const fixture = fileURLToPath(new URL("../../../shared/tts/src/qwen3-tts/fixtures/custom-voice", import.meta.url));

export async function prepareTalker(name: string): Promise<TalkerModel> {
  if (name === smallTalker) return { name, folder: fixture, formats: ["float32"] };
  const formats: readonly Format[] = ["float32", "float16"];
  return { name, folder: await trueSizeModel({ shape: name, formats }), formats };
}
