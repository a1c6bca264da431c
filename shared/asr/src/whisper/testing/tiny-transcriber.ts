/** A transcriber over one of the small random models, without the pipeline around it. */
import { resolveModel } from "@parlance/model-store";
import type { LoadAsrOptions } from "../../types.ts";
import { type OpenedWhisper, openWhisper } from "../open-whisper.ts";

export function openTiny(folder: string, beamSize: number): Promise<OpenedWhisper> {
  return openFolder({ modelId: folder, device: "cpu", computeType: "float32", threads: 2, beamSize, log: () => {} });
}

export async function openFolder(options: LoadAsrOptions): Promise<OpenedWhisper> {
  const { manifest, folder } = await resolveModel(options);
  return openWhisper({ manifest, folder, options, device: { provider: "cpu", deviceId: 0 } });
}
