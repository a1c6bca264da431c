/**
 * What the tests of this room share: a running pipeline, the models of OpenAI's own client under test, and recordings. The client
 * comes from npm as it is: the newest (`openai`), and the last one for Node 20 (`openai-6`).
 */
import type OpenAI from "openai";
import type { ClientOptions } from "openai";
import { afterAll, beforeAll } from "vitest";
import { type Clip, demoClips, longClip } from "../../src/clips.ts";
import { type Pipeline, startPipeline } from "../../src/pipeline.ts";

export type OpenaiPackage = typeof import("openai");
export type OpenaiStreaming = typeof import("openai/streaming");

/** Name of the package → the major version that it must be. */
export const packages = [
  ["openai", 7],
  ["openai-6", 6],
] as const;
export type PackageName = (typeof packages)[number][0];

/** The recorded requests of other clients bring it too. */
export const API_KEY = "contract-key";
export const MODEL = "whisper-1";

export interface Room {
  readonly pipeline: Pipeline;
  /** A client's package: it has its error classes. */
  package(name: PackageName): OpenaiPackage;
  /** What of it reads events. */
  streaming(name: PackageName): OpenaiStreaming;
  /** Speaks to the pipeline with its key. Default: it tries nothing again. */
  client(name: PackageName, options?: ClientOptions): OpenAI;
  /** A client that tries again as it does by itself, and what it is answered. `before` each request it waits. */
  watch(name: PackageName, options?: ClientOptions, before?: (attempt: number) => Promise<void>): Watched;
  /** A committed sentence by its file's name. */
  clip(name: string): Clip;
  /** Over a minute of sentences, which make several segments. */
  readonly minute: Clip;
  /** What /metrics says of a gauge or counter. */
  metric(name: string): Promise<number>;
}

export interface Watched {
  client: OpenAI;
  answers: { url: string; status: number; headers: Headers; body: string }[];
}

/** Starts a pipeline before the tests of the file and stops it behind them. */
export function useRoom(
  environment: () => Record<string, string> | Promise<Record<string, string>> = () => ({}),
): Room {
  let pipeline: Pipeline | undefined;
  let clips: Clip[] = [];
  let minute: Clip | undefined;
  const loaded = new Map<PackageName, { whole: OpenaiPackage; streaming: OpenaiStreaming }>();

  beforeAll(async () => {
    for (const [name] of packages) {
      const whole: OpenaiPackage = await import(name);
      const streaming: OpenaiStreaming = await import(`${name}/streaming`);
      loaded.set(name, { whole, streaming });
    }
    clips = await demoClips();
    minute = await longClip(70);
    pipeline = await startPipeline({ API_KEYS: API_KEY, ...(await environment()) });
  }, 180_000);
  afterAll(() => pipeline?.stop(), 60_000);

  const room: Room = {
    get pipeline() {
      return there(pipeline);
    },
    get minute() {
      return there(minute);
    },
    package: (name) => there(loaded.get(name)).whole,
    streaming: (name) => there(loaded.get(name)).streaming,
    client(name, options) {
      const { OpenAI } = room.package(name);
      return new OpenAI({
        baseURL: `${room.pipeline.gatewayUrl}/v1`,
        apiKey: API_KEY,
        maxRetries: 0,
        ...options,
      });
    },
    watch(name, options, before = async () => {}) {
      const answers: Watched["answers"] = [];
      const client = room.client(name, {
        maxRetries: 2,
        ...options,
        async fetch(url, init) {
          // It also asks fetch itself what it can do.
          if (!String(url).startsWith("http")) return await fetch(url, init);
          await before(answers.length);
          const response = await fetch(url, init);
          const { status, headers } = response;
          answers.push({ url: String(url), status, headers, body: await response.clone().text() });
          return response;
        },
      });
      return { client, answers };
    },
    clip: (name) => there(clips.find((clip) => clip.name === name)),
    async metric(name) {
      const headers = { authorization: `Bearer ${API_KEY}` };
      const text = await (await fetch(`${room.pipeline.gatewayUrl}/metrics`, { headers })).text();
      return Number(there(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text)?.[1]));
    },
  };
  return room;
}

/** Only before the room is open, or where a recording is gone, is anything missing. */
function there<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("the room of the tests has not what they ask for");
  return value;
}
