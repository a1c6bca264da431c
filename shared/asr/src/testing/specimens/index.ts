import { ctcSpecimens } from "./ctc.ts";
import { qwen3AsrSpecimens } from "./qwen3-asr.ts";
import type { AsrSpecimen } from "./specimen.ts";
import { whisperSpecimens } from "./whisper.ts";

/** By the names under which the architectures are registered. */
export const specimens: ReadonlyMap<string, readonly AsrSpecimen[]> = new Map([
  ["ctc", ctcSpecimens],
  ["qwen3-asr", qwen3AsrSpecimens],
  ["whisper", whisperSpecimens],
]);
