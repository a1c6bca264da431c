/**
 * Parlance's own layout on a device on which memory must stay: greedy texts are one run of a graph with the loop inside. What
 * that graph cannot do (beams, sampling, phrases, the cross attention of words) goes token by token. State: the sessions.
 */
import { join } from "node:path";
import type { Manifest } from "@parlance/contracts";
import { chooseGraph, createSession, type Device } from "@parlance/inference";
import type { LoadAsrOptions } from "../../types.ts";
import type { ControlTokens } from "../text/vocabulary.ts";
import type { EncodedRows, WhisperGraphs } from "./decoder.ts";
import { type OwnGraphsOptions, openOwnGraphs } from "./own-graphs.ts";
import { createBiases, createRowLoop } from "./row-loop.ts";
import { createStepwiseRows } from "./stepwise-rows.ts";

export interface LoopGraphsOptions extends OwnGraphsOptions {
  control: ControlTokens;
}

const loopRoles = { auto: ["loop", "loop.float16"], float32: ["loop"], float16: ["loop.float16"], int8: [] } as const;

/** On the CPU a run for every token is faster: rows that have ended leave. */
export function prefersLoop({ manifest, device, options }: LoopWishes): boolean {
  const roles: readonly string[] = loopRoles[options.computeType];
  return device.provider === "cuda" && roles.some((role) => manifest.files[role] !== undefined);
}

export interface LoopWishes {
  manifest: Pick<Manifest, "files">;
  device: Pick<Device, "provider">;
  options: Pick<LoadAsrOptions, "computeType">;
}

export async function openLoopGraphs({ control, ...options }: LoopGraphsOptions): Promise<WhisperGraphs> {
  const { context, section } = options;
  const { manifest, folder, device } = context;
  const wanted = context.options.computeType;
  const { role, computeType } = chooseGraph({ manifest, role: "loop", wanted, provider: device.provider });
  const stepwise = await openOwnGraphs(options);
  const session = await createSession(join(folder, manifest.files[role]?.path ?? ""), {
    device,
    threads: context.options.threads,
  }).catch(async (error: unknown) => {
    await stepwise.close();
    throw error;
  });
  const biases = createBiases(section.vocabulary);
  return {
    computeType,
    hear: stepwise.hear,
    async encode(features): Promise<EncodedRows> {
      const states = await stepwise.hear(joined(features));
      const loop = createRowLoop({ session, section, control, biases, states });
      return { loop, ...createStepwiseRows(stepwise, features) };
    },
    async close() {
      await session.close();
      await stepwise.close();
    },
  };
}

function joined(rows: readonly Float32Array[]): Float32Array {
  const [first] = rows;
  if (first === undefined || rows.length === 1) return first ?? new Float32Array();
  const all = new Float32Array(rows.length * first.length);
  for (const [place, row] of rows.entries()) all.set(row, place * first.length);
  return all;
}
