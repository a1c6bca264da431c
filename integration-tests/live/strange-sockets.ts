/** Callers of `/ws/transcribe` that behave as none should. */
import { setTimeout as pause } from "node:timers/promises";
import { SAMPLE_RATE } from "@parlance/contracts";
import type { SpeechMaker } from "../bench/load/known-speech.ts";
import { seededRandom } from "../src/seeded-random.ts";
import { openRawSocket, type RawSocket } from "./raw-socket.ts";

const PATH = `/ws/transcribe?encoding=pcm&sample_rate=${SAMPLE_RATE}`;
/** Bytes of 50 ms. */
const FRAME_BYTES = SAMPLE_RATE / 10;
/** Bytes of a second. */
const FLOOD_BYTES = SAMPLE_RATE * 2;
const OPENED_AT_ONCE = 50;
const HELD_MS = 5_000;
const CLOSE_LIMIT_MS = 30_000;
const SPOKEN_SECONDS = 12;

/** Speaks into so many sockets and reads none of the answers. How many are still there. */
export async function readNothing(gatewayUrl: string, speech: SpeechMaker, count: number): Promise<number> {
  const { samples } = await speech(SPOKEN_SECONDS, seededRandom(5));
  const audio = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  const sockets = await openMany(gatewayUrl, count);
  for (const socket of sockets) socket.stopReading();
  for (let at = 0; at < audio.length; at += FRAME_BYTES) {
    await Promise.all(sockets.map((socket) => socket.send(audio.subarray(at, at + FRAME_BYTES))));
    await pause(50);
  }
  return closeAll(sockets);
}

/** Sends so many seconds of audio as fast as they are taken. 1 when that was refused before its end. */
export async function floodSocket(gatewayUrl: string, seconds: number): Promise<number> {
  const [socket] = await openMany(gatewayUrl, 1);
  const tone = new Int16Array(FLOOD_BYTES / 2).map((_, index) => Math.round(8_000 * Math.sin(index / 5)));
  for (let second = 0; second < seconds && socket?.closed === false; second += 1) {
    await socket.send(Buffer.from(tone.buffer));
  }
  // It says why it closes, and waits for an answer that never comes.
  for (const deadline = Date.now() + CLOSE_LIMIT_MS; socket?.closed === false && Date.now() < deadline; )
    await pause(100);
  const refused = socket?.closed === true;
  socket?.close();
  return refused ? 1 : 0;
}

/** Opens so many sockets and says nothing. How many of them are held after some seconds. */
export async function holdIdleSockets(gatewayUrl: string, count: number): Promise<number> {
  const sockets = await openMany(gatewayUrl, count);
  await pause(HELD_MS);
  return closeAll(sockets);
}

async function openMany(gatewayUrl: string, count: number): Promise<RawSocket[]> {
  const sockets: RawSocket[] = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(OPENED_AT_ONCE, count - sockets.length) }, () =>
      openRawSocket(gatewayUrl, PATH),
    );
    sockets.push(...(await Promise.all(some)));
  }
  return sockets;
}

function closeAll(sockets: readonly RawSocket[]): number {
  const held = sockets.filter(({ closed }) => !closed).length;
  for (const socket of sockets) socket.close();
  return held;
}
