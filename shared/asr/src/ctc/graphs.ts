/**
 * The graphs of a model: the exact one, which hears files and finals, and for windows of live speech a quick one, where the manifest names
 * a file of the role `quick`. That is the same network with coarser numbers: what it hears of a window is told again by the next one,
 * and in the end by the final. It is opened with the first window: who transcribes files alone never has it in memory.
 */
import { join } from "node:path";
import { SpeechError } from "@parlance/contracts";
import { type ComputeType, chooseGraph, createPiecedSession, type PiecedSession } from "@parlance/inference";
import type { ArchitectureContext } from "../types.ts";
import type { CtcSection } from "./manifest-section.ts";
import { cpuRunSize } from "./run-size.ts";

export interface CtcGraphs {
  /** Of the exact one. */
  readonly computeType: ComputeType;
  /** Of audio, with its padding, that one run may have. */
  readonly secondsPerRun: number;
  readonly exact: PiecedSession;
  /** The exact one too where there is no quick one, on a device on which it would not be quicker, or where floats are wanted. */
  forWindows(): Promise<PiecedSession>;
  close(): Promise<void>;
}

/** Throws a SpeechError when the graph lacks a tensor that the manifest names. */
export async function openGraphs(context: ArchitectureContext, section: CtcSection): Promise<CtcGraphs> {
  const { manifest, folder, options, device } = context;
  const { threads, log } = options;
  const onCpu = device.provider === "cpu";
  const wanted = options.computeType;
  const { role, computeType } = chooseGraph({ manifest, role: "graph", wanted, provider: device.provider });
  const size = onCpu
    ? cpuRunSize({ manifest, role, computeType, frameSeconds: section.frameSeconds })
    : { pieces: 1, seconds: Number.POSITIVE_INFINITY };

  async function open(path: string): Promise<PiecedSession> {
    const session = await createPiecedSession(join(folder, path), { device, threads, log }, size.pieces);
    try {
      checkTensors(manifest.name, section, session);
    } catch (error) {
      await session.close();
      throw error;
    }
    return session;
  }

  const exact = await open(manifest.files[role]?.path ?? "");
  const quickPath = onCpu && wanted !== "float32" ? manifest.files.quick?.path : undefined;
  let windows: Promise<PiecedSession> | undefined;

  return {
    computeType,
    secondsPerRun: size.seconds,
    exact,
    forWindows() {
      windows ??=
        quickPath === undefined
          ? Promise.resolve(exact)
          : open(quickPath).catch((error) => {
              log("the quick graph cannot be opened: windows are heard by the exact one", { error: String(error) });
              return exact;
            });
      return windows;
    },
    async close() {
      await (await windows)?.close();
      await exact.close();
    },
  };
}

function checkTensors(model: string, section: CtcSection, { inputNames, outputNames }: PiecedSession): void {
  const { frames, phones, characters, lengths } = section.tensors;
  const source = section.input === "waveform" ? section.tensors.audio : section.tensors.features;
  const missing = [
    ...[source, lengths].filter((name) => !inputNames.includes(name)),
    ...[frames, phones, characters].filter((name) => name !== undefined && !outputNames.includes(name)),
  ];
  if (missing.length === 0) return;
  throw new SpeechError(
    "validation_failed",
    `model ${model}: its graph has no ${missing.join(", ")} (inputs ${inputNames.join(", ")}; outputs ${outputNames.join(", ")})`,
    { param: "MODEL_ID" },
  );
}
