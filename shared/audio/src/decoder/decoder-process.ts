/**
 * The decoder process: one item after the other from standard input, segments on standard output.
 *
 * It is the only place where foreign codecs meet foreign bytes. It holds no credential, opens no file and no socket, and is killed
 * rather than trusted: when it takes too long, when it grows too large, when the pool closes (its input then ends).
 */
import { errorCodeSchema, SpeechError } from "@parlance/contracts";
import { createByteReader } from "../formats/byte-reader.ts";
import { type Frame, readFrames, writeFrame } from "../process/pipe-frames.ts";
import { type DecodeLimits, decodeSegments } from "./decode.ts";
import { frameTypes } from "./frame-types.ts";
import { packSegment } from "./segment-frame.ts";

export interface ItemLimits extends DecodeLimits {
  maxBytes: number;
  /** Resident memory beyond which the item counts as corrupt. */
  maxMemoryBytes: number;
  total?: number | undefined;
}

// Codecs print to the console, and standard output is the pipe.
for (const method of ["log", "info", "warn", "error", "debug"] as const) console[method] = () => {};

const frames = readFrames(process.stdin);

async function main(): Promise<void> {
  await writeFrame(process.stdout, frameTypes.ready);
  for await (const frame of endless(frames)) {
    if (frame.type !== frameTypes.begin) continue;
    await runItem(JSON.parse(Buffer.from(frame.payload).toString()) as ItemLimits);
  }
}

async function runItem(limits: ItemLimits): Promise<void> {
  let complete = false;
  async function* encoded(): AsyncGenerator<Uint8Array, void> {
    while (!complete) {
      const next = await frames.next();
      if (next.done === true) process.exit(0);
      complete = next.value.type === frameTypes.end;
      if (!complete) yield next.value.payload;
    }
  }
  try {
    const reader = createByteReader(encoded(), limits);
    for await (const segment of decodeSegments(reader, limits)) {
      checkMemory(limits);
      await writeFrame(process.stdout, frameTypes.segment, ...packSegment(segment));
    }
    await writeFrame(process.stdout, frameTypes.done);
  } catch (error) {
    await writeFrame(process.stdout, frameTypes.failed, Buffer.from(JSON.stringify(toFailure(error))));
  }
  for await (const _ of encoded()) {
    // What is left of an item that ended early is read and dropped, so that the next one begins at its beginning.
  }
  checkMemory(limits);
}

function toFailure(error: unknown) {
  const known = error instanceof SpeechError ? error : new SpeechError("audio_corrupt");
  return { code: errorCodeSchema.parse(known.code), message: known.message };
}

/** WebAssembly memory never shrinks: a process that has grown is not worth keeping, and the pool starts another. */
function checkMemory({ maxMemoryBytes }: ItemLimits): void {
  if (process.memoryUsage.rss() > maxMemoryBytes) process.exit(70);
}

/** Iterates without closing the generator at a `break`. */
async function* endless(source: AsyncGenerator<Frame, void>): AsyncGenerator<Frame, void> {
  for (let next = await source.next(); next.done !== true; next = await source.next()) yield next.value;
}

process.stdout.on("error", () => process.exit(0));
await main();
