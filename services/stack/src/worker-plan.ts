/** Which workers run: of each family that is offered, on each of its devices, as many as the settings say. */
import { type Settings, SpeechError, toSpeechError } from "@parlance/contracts";
import { type EachDeviceOptions, eachDevice } from "@parlance/inference/accelerators";

export const workerPlanSettings = [
  "ASR_DEVICE",
  "ENABLE_ASR",
  "ENABLE_TTS",
  "TRANSCRIBE_WORKERS",
  "TTS_DEVICE",
  "TTS_WORKERS",
] as const;

export interface PlannedWorker {
  service: "transcribe-worker" | "tts-worker";
  /** `transcribe-worker`, `transcribe-worker-2` … */
  name: string;
  /** What it is told and its siblings are not: the one device that it runs on. */
  settings: { ASR_DEVICE: string } | { TTS_DEVICE: string };
}

/** Throws a SpeechError that names the setting whose devices are not there. */
export async function planWorkers(
  settings: Settings<(typeof workerPlanSettings)[number]>,
  look?: EachDeviceOptions,
): Promise<PlannedWorker[]> {
  const { ENABLE_ASR, ENABLE_TTS, TRANSCRIBE_WORKERS, TTS_WORKERS } = settings;
  const asr = ENABLE_ASR ? await places("ASR_DEVICE", settings.ASR_DEVICE, TRANSCRIBE_WORKERS, look) : [];
  const tts = ENABLE_TTS ? await places("TTS_DEVICE", settings.TTS_DEVICE, TTS_WORKERS, look) : [];
  const nameOf = (service: string, index: number) => (index === 0 ? service : `${service}-${index + 1}`);
  return [
    ...asr.map((ASR_DEVICE, index): PlannedWorker => {
      const service = "transcribe-worker";
      return { service, name: nameOf(service, index), settings: { ASR_DEVICE } };
    }),
    ...tts.map((TTS_DEVICE, index): PlannedWorker => {
      const service = "tts-worker";
      return { service, name: nameOf(service, index), settings: { TTS_DEVICE } };
    }),
  ];
}

/** The device of each worker, those of one device together. */
async function places(name: string, setting: string, each: number, look?: EachDeviceOptions): Promise<string[]> {
  const devices = await eachDevice(setting, look).catch((cause: unknown) => {
    const { code, message } = toSpeechError(cause);
    throw new SpeechError(code, `${name}: ${message}`, { cause, param: name });
  });
  return devices.flatMap((device) => Array.from({ length: each }, () => device));
}
