/**
 * AAC through the system's ffmpeg: bytes in by a pipe, samples out by a pipe, no shell, no file, no network, and no name that came
 * from a caller.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { SAMPLE_RATE, SpeechError } from "@parlance/contracts";
import type { Pcm } from "../samples/pcm.ts";

const FLAGS = [
  ...["-hide_banner", "-nostdin", "-loglevel", "error", "-protocol_whitelist", "pipe", "-threads", "1"],
  ...["-f", "aac", "-i", "pipe:0", "-f", "f32le", "-ac", "1", "-ar", String(SAMPLE_RATE), "pipe:1"],
];

export async function* decodeByFfmpeg(frames: AsyncIterable<Uint8Array>): AsyncGenerator<Pcm, void> {
  const child = spawn("ffmpeg", FLAGS, { stdio: ["pipe", "pipe", "pipe"] });
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  failed.catch(() => {});
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-500);
  });
  const feeding = feed(child.stdin, frames);
  feeding.catch(() => child.kill("SIGKILL"));
  try {
    await Promise.race([once(child, "spawn"), failed]);
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const whole = bytes.length - (bytes.length % 4);
      rest = bytes.subarray(whole);
      const samples = new Float32Array(new Uint8Array(bytes.subarray(0, whole)).buffer);
      if (samples.length > 0) yield { sampleRate: SAMPLE_RATE, samples };
    }
    await feeding;
    if ((await exited) !== 0)
      throw new SpeechError("audio_corrupt", "ffmpeg could not decode the AAC audio.", { cause: complaint });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new SpeechError(
      "audio_unsupported",
      "AAC audio needs the optional package @audio/decode-aac or the program ffmpeg, and neither is installed.",
    );
  } finally {
    child.kill("SIGKILL");
  }
}

async function feed(stdin: NodeJS.WritableStream, frames: AsyncIterable<Uint8Array>): Promise<void> {
  // ffmpeg may end before its input does: what it said and its exit code tell why, not the broken pipe.
  let broken = false;
  stdin.on("error", () => {
    broken = true;
  });
  for await (const frame of frames) {
    if (broken) return;
    if (!stdin.write(frame)) await Promise.race([once(stdin, "drain"), once(stdin, "close")]);
  }
  stdin.end();
}
