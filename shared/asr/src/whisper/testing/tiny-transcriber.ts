/** One of the small random models, without the pipeline around it. */
import { resolveModel } from "@parlance/model-store";
import { asrLayouts } from "../../layouts/index.ts";
import type { LoadAsrOptions } from "../../types.ts";
import { type OpenedWhisper, openWhisper } from "../open-whisper.ts";
import { createTranscriber } from "../transcriber.ts";

const heard = new Map<string, Float32Array>();

/** Its features are kept: tests hear the same few clips over and over. */
export async function openTiny(folder: string, beamSize: number): Promise<OpenedWhisper> {
  const threads = 1;
  const opened = await openFolder({
    modelId: folder,
    device: "cpu",
    computeType: "auto",
    threads,
    beamSize,
    log: () => {},
  });
  const features = (samples: Int16Array): Float32Array => {
    const key = `${opened.section.mels} ${samples.length} ${samples.subarray(0, 4000).join()}`;
    const kept = heard.get(key) ?? opened.features(samples);
    heard.set(key, kept);
    return kept;
  };
  return { ...opened, transcribe: createTranscriber({ ...opened, features }) };
}

export async function openFolder(options: LoadAsrOptions): Promise<OpenedWhisper> {
  const { manifest, folder } = await resolveModel({ ...options, layouts: asrLayouts });
  return openWhisper({ manifest, folder, options, device: { provider: "cpu", deviceId: 0 } });
}
