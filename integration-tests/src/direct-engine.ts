/**
 * What the pipeline must come to, worked out without it: the recording's segments as ingest cuts them, through the model itself,
 * one row at a time, joined in order. Whatever a model makes of a recording, the pipeline must tell the same.
 */
import { Readable } from "node:stream";
import { type AsrModel, loadAsrModel } from "@parlance/asr";
import { createByteReader, decodeSegments } from "@parlance/audio";
import { readSettings, SAMPLE_RATE, type Word } from "@parlance/contracts";
import type { Clip } from "./clips.ts";

export interface DirectTranscript {
  text: string;
  language: string;
  /** Seconds from the beginning of the recording; empty unless asked for. */
  timestamps: Word[];
}

export interface DirectEngine {
  /** Models may read otherwise when they are asked for times. */
  transcribe(clip: Clip, wishes?: { timestamps: boolean }): Promise<DirectTranscript>;
  close(): Promise<void>;
}

/** The model as a worker's settings would load it. */
export async function loadDirectEngine(environment: Record<string, string> = {}): Promise<DirectEngine> {
  const settings = readSettings(
    ["MODEL_ID", "ASR_COMPUTE_TYPE", "ASR_BEAM_SIZE", "ENGINE_THREADS", "SEGMENT_SECONDS", "MAX_AUDIO_SECONDS"],
    environment,
  );
  const model = await loadAsrModel({
    modelId: settings.MODEL_ID,
    device: "cpu",
    computeType: settings.ASR_COMPUTE_TYPE,
    beamSize: settings.ASR_BEAM_SIZE,
    threads: settings.ENGINE_THREADS,
    log: () => undefined,
  });
  const cut = { maxSeconds: settings.MAX_AUDIO_SECONDS, segmentSeconds: settings.SEGMENT_SECONDS };
  return { transcribe: (clip, wishes) => transcribe(model, clip, cut, wishes), close: () => model.close() };
}

async function transcribe(
  model: AsrModel,
  { bytes }: Clip,
  cut: { maxSeconds: number; segmentSeconds: number },
  { timestamps }: { timestamps: boolean } = { timestamps: false },
): Promise<DirectTranscript> {
  const texts: string[] = [];
  const languages: string[] = [];
  const times: Word[] = [];
  const reader = createByteReader(Readable.from([bytes]), { maxBytes: bytes.length });
  const wishes = { language: "auto", timestamps, hotwords: [], phrases: [], context: "" } as const;
  for await (const { samples, start } of decodeSegments(reader, cut)) {
    const [outcome] = await model.transcribe([{ samples, ...wishes }]);
    if (outcome === undefined || !outcome.ok) throw new Error(`the engine failed: ${outcome?.failure.message}`);
    const { text, language, words } = outcome.result;
    texts.push(text.trim());
    languages.push(language);
    const at = (seconds: number) => Math.round((seconds + start / SAMPLE_RATE) * 1_000) / 1_000;
    times.push(...words.map((word) => ({ ...word, start: at(word.start), end: at(word.end) })));
  }
  return {
    text: texts.filter((text) => text !== "").join(" "),
    language: languages.filter((language, at) => language !== "" && language !== languages[at - 1]).join(","),
    timestamps: times,
  };
}
