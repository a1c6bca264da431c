/**
 * MP3 by LAME (`wasm-media-encoders`, MIT around LGPL-2.0), constant bit rate.
 *
 * No permissive MP3 encoder is to be had on npm. LAME under the LGPL comes as a package that is used unchanged and can be
 * exchanged or left out (`npm ci --omit=optional`): then mp3 is `format_unsupported` with a sentence that says so.
 */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { SpeechError } from "@parlance/contracts";
import { fromPcm16 } from "../samples/pcm.ts";
import type { OpenEncoder } from "./encoder.ts";

/** What MPEG-1, 2 and 2.5 know; LAME converts other rates to the next higher one. */
const RATES = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000] as const;
/** kbit/s of one channel of speech: transparent up to 24 kHz, and the most that the lowest rates may have. */
const BITRATE = 64;

export const openMp3: OpenEncoder = async ({ sampleRate }) => {
  const lame = await loadLame();
  const encoder = await lame.createEncoder("audio/mpeg", lame.program, (compiled) => {
    lame.program = compiled;
  });
  const outputSampleRate = RATES.find((rate) => rate >= sampleRate) ?? 48_000;
  encoder.configure({ channels: 1, sampleRate, outputSampleRate, bitrate: BITRATE });
  return {
    // What it returns is a view of its memory, good until the next call.
    push: (pcm) => Uint8Array.from(encoder.encode([fromPcm16(pcm)])),
    end: () => Uint8Array.from(encoder.finalize()),
    close: () => undefined,
  };
};

type CreateEncoder = typeof import("wasm-media-encoders").createEncoder;

interface Lame {
  createEncoder: CreateEncoder;
  /** Compiled with the first encoder. */
  program: Parameters<CreateEncoder>[1];
}

let loaded: Promise<Lame> | undefined;

/** From its file: left to itself the package fetches what it has in it, and with fetch Node loads 5 MB more. */
async function loadLame(): Promise<Lame> {
  loaded ??= (async () => {
    const { createEncoder } = await import("wasm-media-encoders");
    const file = createRequire(import.meta.url).resolve("wasm-media-encoders/wasm/mp3");
    return { createEncoder, program: await readFile(file) };
  })();
  try {
    return await loaded;
  } catch (error) {
    throw new SpeechError(
      "format_unsupported",
      "response_format: mp3 needs the optional package wasm-media-encoders, which this installation was made without",
      { param: "response_format", cause: error },
    );
  }
}
