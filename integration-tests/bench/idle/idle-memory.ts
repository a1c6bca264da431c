/**
 * What one way of running the services takes when nothing is to do: before the first job, and after jobs of both families when their
 * engines and the decoder have gone.
 */
import { setTimeout as pause } from "node:timers/promises";
import { demoClips } from "../../src/clips.ts";
import { type Pipeline, startPipeline } from "../../src/pipeline.ts";
import { engineProcesses, type Memory, memoryOf, processTree, proportionalOf } from "../../src/process-table.ts";
import { quantile } from "../measure/statistics.ts";

export interface Reading extends Memory {
  /** Pss, in MB of 10^6 bytes. */
  proportional: number;
}

/** By the name of a service, `nats-server`, `launcher`, and `everything`: all processes together. */
export type Readings = Readonly<Record<string, Reading>>;

export interface IdleMemory {
  fresh: Readings;
  unloaded: Readings;
  /** Megabytes resident. */
  engineLoaded: number;
  voiceEngineLoaded: number;
  enginesAfter: number;
}

/** Longer than LEASE_TTL, as by default: an engine that each renewal of its lease kept alive would show. */
const IDLE_TIMEOUT_S = 12;
/** The decoder of ingest goes after 30 s of its own. */
const DECODER_GONE_S = 40;
/** What starting up left is collected at the first look at rest, some 20 s apart. */
const SETTLE_MS = 45_000;
const JOBS = 5;

export async function idleMemory(processes: "one" | "many", node: string): Promise<IdleMemory> {
  const pipeline = await startPipeline({ PROCESSES: processes, IDLE_TIMEOUT: String(IDLE_TIMEOUT_S) }, { node });
  try {
    await pause(SETTLE_MS);
    const fresh = await readings(pipeline);
    for (let job = 0; job < JOBS; job += 1) await transcribe(pipeline);
    const engineLoaded = engineMegabytes(pipeline);
    for (let job = 0; job < JOBS; job += 1) await speak(pipeline);
    const voiceEngineLoaded = engineMegabytes(pipeline);
    await pause((IDLE_TIMEOUT_S + DECODER_GONE_S) * 1_000);
    const unloaded = await readings(pipeline);
    return { fresh, unloaded, engineLoaded, voiceEngineLoaded, enginesAfter: engineMegabytes(pipeline) };
  } finally {
    await pipeline.stop();
  }
}

/** The median of five over five seconds, for each. */
async function readings(pipeline: Pipeline): Promise<Readings> {
  const series = new Map<string, Reading[]>();
  for (let reading = 0; reading < 5; reading += 1) {
    const { pid, pids } = pipeline.processes();
    const named: [string, number[]][] = Object.entries(pids).map(([name, each]) => [name, [each]]);
    for (const [name, each] of [...named, ["launcher", [pid]] as const, ["everything", processTree(pid)] as const]) {
      series.set(name, [...(series.get(name) ?? []), together(each)]);
    }
    await pause(1_000);
  }
  return Object.fromEntries([...series].map(([name, values]) => [name, medianOf(values)]));
}

function together(pids: readonly number[]): Reading {
  const sum: Reading = { resident: 0, own: 0, proportional: 0 };
  for (const pid of pids) {
    const reading = readingOf(pid);
    sum.resident += reading?.resident ?? 0;
    sum.own += reading?.own ?? 0;
    sum.proportional += reading?.proportional ?? 0;
  }
  return sum;
}

/** Undefined when the process is gone. */
export function readingOf(pid: number): Reading | undefined {
  const memory = memoryOf(pid);
  const proportional = proportionalOf(pid);
  return memory === undefined || proportional === undefined ? undefined : { ...memory, proportional };
}

function medianOf(values: readonly Reading[]): Reading {
  const median = (of: (reading: Reading) => number) => quantile(values.map(of), 0.5);
  return {
    resident: median(({ resident }) => resident),
    own: median(({ own }) => own),
    proportional: median(({ proportional }) => proportional),
  };
}

function engineMegabytes(pipeline: Pipeline): number {
  return engineProcesses(pipeline).reduce((total, { pid }) => total + (memoryOf(pid)?.resident ?? 0), 0);
}

async function transcribe({ gatewayUrl }: Pipeline): Promise<void> {
  const [clip] = await demoClips();
  if (clip === undefined) throw new Error("there are no clips");
  const form = new FormData();
  form.append("audio", new Blob([Buffer.from(clip.bytes)], { type: clip.type }), clip.name);
  const response = await fetch(`${gatewayUrl}/api/v1/transcribe/file`, { method: "POST", body: form });
  if (!response.ok) throw new Error(`a transcription failed: ${await response.text()}`);
}

async function speak({ gatewayUrl }: Pipeline): Promise<void> {
  const response = await fetch(`${gatewayUrl}/v1/audio/speech`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "parlance-voice", voice: "slt", input: "Good morning.", response_format: "wav" }),
  });
  if (!response.ok) throw new Error(`a text was not spoken: ${await response.text()}`);
  await response.arrayBuffer();
}
