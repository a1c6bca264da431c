/**
 * Parlance's own layout on a device on which memory must stay: greedy texts are few runs of a graph with the loop inside. What
 * that graph cannot do (beams, sampling, phrases, the cross attention of words) goes token by token. State: the sessions.
 */
import { join } from "node:path";
import type { Manifest } from "@parlance/contracts";
import { chooseGraph, createSession, type Device } from "@parlance/inference";
import type { LoadAsrOptions } from "../../types.ts";
import type { ControlTokens } from "../text/vocabulary.ts";
import type { WhisperGraphs } from "./decoder.ts";
import { createLoopRows } from "./loop-rows.ts";
import { type OwnGraphsOptions, openOwnGraphs } from "./own-graphs.ts";
import { createBiases } from "./row-loop.ts";

export interface LoopGraphsOptions extends OwnGraphsOptions {
  control: ControlTokens;
  /** Of the graph with the loop. */
  tokensPerRun?: number;
}

/** A fifth of a second and more of what a GPU says: each run costs a reading of what was said before. */
const TOKENS_PER_RUN = 64;

const loopRoles = {
  auto: ["loop", "loop.float16"],
  float32: ["loop"],
  float16: ["loop.float16"],
  int8: [],
  int4: [],
} as const;

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

export async function openLoopGraphs(options: LoopGraphsOptions): Promise<WhisperGraphs> {
  const { context, section, control, tokensPerRun = TOKENS_PER_RUN } = options;
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
    ...{ computeType, refills: true, hear: stepwise.hear, rowsPerHearing: stepwise.rowsPerHearing },
    open: (_rows, giveWay) => createLoopRows({ session, section, control, biases, stepwise, giveWay, tokensPerRun }),
    async close() {
      await session.close();
      await stepwise.close();
    },
  };
}
