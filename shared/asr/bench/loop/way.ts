/** What every child of `npm run bench:loop` is told and tells: one way of decoding one model, in a process of its own. */
import { type Device, threadCount } from "@parlance/inference";
import * as z from "zod";

const orderSchema = z.object({
  folder: z.string(),
  /** `loop`: in the graph; `step`: a run for every token, memory in the host; `c-api`: the same, memory on the device. */
  way: z.enum(["loop", "step", "c-api"]),
  device: z.enum(["cpu", "cuda"]),
  format: z.enum(["float32", "float16"]),
  rows: z.number().int().positive(),
  seconds: z.number().positive(),
  /** Most tokens of a row; 0: what the model allows. */
  budget: z.number().int().nonnegative(),
  /** Passes that are timed, after one that is not. */
  rounds: z.number().int().nonnegative(),
  /** Where what all ways of a model read alike is kept. */
  inputs: z.string(),
  /** For the C API. */
  cuda: z.record(z.string(), z.string()),
});
export type WayOrder = z.infer<typeof orderSchema>;

export const wayAnswerSchema = z.object({
  load_s: z.number(),
  seconds: z.array(z.number()),
  tokens: z.array(z.array(z.number().int())),
  /** Log-probability of each row, natural log. */
  scores: z.array(z.number()),
});
export type WayAnswer = z.infer<typeof wayAnswerSchema>;

export function readOrder(): WayOrder {
  return orderSchema.parse(JSON.parse(process.argv[2] ?? "{}"));
}

export const deviceOf = ({ device }: WayOrder): Pick<Device, "provider" | "deviceId"> => ({
  provider: device,
  deviceId: 0,
});
export const threads = threadCount(0);

export interface Opened {
  decode(): Promise<{ tokens: readonly number[]; score: number }[]>;
  close(): Promise<void>;
}

/** Loads, decodes once for what is made once, then `rounds` times by the clock; the answer is the last line of the output. */
export async function measure(rounds: number, open: () => Promise<Opened>): Promise<void> {
  const began = performance.now();
  const way = await open();
  const load_s = (performance.now() - began) / 1000;
  const first = await way.decode();
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const from = performance.now();
    const again = await way.decode();
    seconds.push((performance.now() - from) / 1000);
    if (JSON.stringify(again.map(({ tokens }) => tokens)) !== JSON.stringify(first.map(({ tokens }) => tokens))) {
      throw new Error("the same rows were decoded twice with different tokens");
    }
  }
  await way.close();
  const answer: WayAnswer = {
    load_s,
    seconds,
    tokens: first.map(({ tokens }) => [...tokens]),
    scores: first.map(({ score }) => score),
  };
  console.log(JSON.stringify(answer));
}
