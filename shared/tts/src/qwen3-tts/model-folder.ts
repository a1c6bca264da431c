/** A model's folder while its parts are opened: where its files are, which of its graphs are run, and what is to be closed. */
import { join } from "node:path";
import { chooseGraph, type SessionOptions } from "@parlance/inference";
import type { TtsArchitectureContext } from "../types.ts";

export interface ModelFolder {
  session: SessionOptions;
  fileOf(role: string): string;
  /** In the number format that is wanted, or the best that is there. */
  graphOf(role: string): { graph: string; computeType: string };
  /** Keeps a part to close. */
  open<Part extends { close(): Promise<void> }>(part: Promise<Part>): Promise<Part>;
  /** All that was opened. */
  close(): Promise<void>;
}

export function openModelFolder({ manifest, folder, options, device }: TtsArchitectureContext): ModelFolder {
  const opened: { close(): Promise<void> }[] = [];
  const fileOf = (role: string) => join(folder, manifest.files[role]?.path ?? role);
  return {
    session: { device, threads: options.threads, log: options.log },
    fileOf,
    graphOf(role) {
      const choice = chooseGraph({ manifest, role, wanted: options.computeType, provider: device.provider });
      return { graph: fileOf(choice.role), computeType: choice.computeType };
    },
    async open(part) {
      const ready = await part;
      opened.push(ready);
      return ready;
    },
    async close() {
      for (const part of opened.splice(0)) await part.close();
    },
  };
}

/** Opens what goes with a part that is open: where that fails, nothing is left open. */
export async function openBeside<Part>(first: { close(): Promise<void> }, opening: Promise<Part>): Promise<Part> {
  try {
    return await opening;
  } catch (error) {
    await first.close();
    throw error;
  }
}
