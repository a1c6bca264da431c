/** Runs one way of decoding in a process of its own: its memory is given back with it, and a crash ends nothing else. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import * as z from "zod";
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
  // CUDA would multiply float32 with ten bits of mantissa, and tokens could not be those of the CPU.
  const exact = order.device === "cuda" && order.format === "float32" ? { NVIDIA_TF32_OVERRIDE: "0" } : {};
  const child = spawn(process.execPath, [script, JSON.stringify({ ...order, folder: model.folder })], {
    env: { ...process.env, ...exact },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let errors = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-4_000);
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  // Who asked the runtime for more than its errors wants to read it.
  if (code !== 0 && process.env.ORT_LOG_SEVERITY_LEVEL !== undefined) process.stderr.write(errors);
  if (code !== 0) throw new Error(`its process ended with ${signal ?? code}: ${lastWords(errors)}`);
  return answerSchema.parse(JSON.parse(output.trim().split("\n").at(-1) ?? ""));
}

const sourceOf = (architecture: string) =>
  fileURLToPath(new URL(`../../../shared/asr/bench/loop/ways/${architecture}.ts`, import.meta.url));

/** The line that says what went wrong, not the stack behind it. */
function lastWords(errors: string): string {
  const lines = errors.split("\n").filter((line) => line.trim() !== "");
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? "no error output").trim().slice(0, 400);
}
