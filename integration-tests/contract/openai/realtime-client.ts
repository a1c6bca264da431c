/** A realtime session as a client has it: what it is told, in order; and sound as clients send it. */
import type { OpenAIRealtimeWS } from "openai/realtime/ws";
import type { RealtimeClientEvent, RealtimeServerEvent } from "openai/resources/realtime/realtime";
import { type Clip, decodeClip } from "../../src/clips.ts";
import type { PackageName } from "./room.ts";

export type OpenaiRealtime = typeof import("openai/realtime/ws");
export const realtimeOf = async (name: PackageName): Promise<OpenaiRealtime> => await import(`${name}/realtime/ws`);

export type ServerEvent<Type extends string = string> = RealtimeServerEvent & { type: Type };
type EventOf<Type> = Extract<RealtimeServerEvent, { type: Type }>;

export interface RealtimeClient {
  /** All of it so far. */
  events: RealtimeServerEvent[];
  send(event: RealtimeClientEvent): void;
  /** The next event of this type that was not taken yet. Throws when the session ends without it. */
  next<Type extends RealtimeServerEvent["type"]>(type: Type): Promise<EventOf<Type>>;
  close(): Promise<void>;
}

/** What a session is followed by, whatever its socket is. */
export interface Wire {
  onEvent(take: (event: RealtimeServerEvent) => void): void;
  onEnd(take: (why: string) => void): void;
  send(event: RealtimeClientEvent): void;
  close(): void;
}

export function follow(wire: Wire): RealtimeClient {
  const events: RealtimeServerEvent[] = [];
  let taken = 0;
  let over: string | undefined;
  let onNews: () => void = () => undefined;
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  wire.onEvent((event) => {
    events.push(event);
    onNews();
  });
  wire.onEnd((why) => {
    // A failure is followed by a close, which says less.
    over ??= why;
    onNews();
    end();
  });
  return {
    events,
    send: (event) => wire.send(event),
    async next<Type extends RealtimeServerEvent["type"]>(type: Type): Promise<EventOf<Type>> {
      for (;;) {
        const found = events.findIndex((event, index) => index >= taken && event.type === type);
        const event = events[found];
        if (event !== undefined && isOf(event, type)) {
          taken = found + 1;
          return event;
        }
        if (over !== undefined) throw new Error(`${over}, without ${type}, after ${JSON.stringify(events.slice(-4))}`);
        await new Promise<void>((resolve) => {
          onNews = resolve;
        });
      }
    },
    async close() {
      wire.close();
      await ended;
    },
  };
}

function isOf<Type extends string>(event: RealtimeServerEvent, type: Type): event is EventOf<Type> {
  return event.type === type;
}

/** OpenAI's own client: an error that is told is an event as any, a socket that fails is an end. */
export function officialWire(client: OpenAIRealtimeWS): Wire {
  return {
    onEvent: (take) => client.on("event", take),
    onEnd(take) {
      client.on("error", (error) => {
        if (error.error === undefined) take(error.message);
      });
      client.socket.on("close", (code: number) => take(`the socket was closed with ${code}`));
    },
    send: (event) => client.send(event),
    close: () => client.close(),
  };
}

/** The runtime's own socket, as a browser has it. */
export function plainWire(socket: WebSocket): Wire {
  return {
    onEvent: (take) => socket.addEventListener("message", ({ data }) => take(JSON.parse(String(data)))),
    onEnd: (take) => socket.addEventListener("close", ({ code }) => take(`the socket was closed with ${code}`)),
    send: (event) => socket.send(JSON.stringify(event)),
    close: () => socket.close(),
  };
}

/** PCM16 at 24 kHz. */
export async function sound(clip: Clip): Promise<Buffer> {
  const samples = await decodeClip(clip);
  const made = new Int16Array(Math.floor((samples.length * 3) / 2));
  for (let at = 0; at < made.length; at += 1) {
    const place = (at * 2) / 3;
    const before = samples[Math.floor(place)] ?? 0;
    const behind = samples[Math.floor(place) + 1] ?? before;
    made[at] = before + (behind - before) * (place % 1);
  }
  return Buffer.from(made.buffer);
}

export const silence = (seconds: number) => Buffer.alloc(seconds * 48_000);

/** G.711 mu-law at 8 kHz (ITU-T G.711, with its bias of 33 in 14 bits). */
export async function telephoneSound(clip: Clip): Promise<Buffer> {
  const samples = await decodeClip(clip);
  const made = Buffer.alloc(Math.floor(samples.length / 2));
  for (let at = 0; at < made.length; at += 1) {
    const sample = ((samples[at * 2] ?? 0) + (samples[at * 2 + 1] ?? 0)) / 2;
    const size = Math.min(32_635, Math.abs(sample)) + 132;
    const exponent = Math.floor(Math.log2(size)) - 7;
    const mantissa = Math.floor(size / 2 ** (exponent + 3)) & 0x0f;
    made[at] = ~((sample < 0 ? 0x80 : 0) | (exponent << 4) | mantissa);
  }
  return made;
}

/** In pieces of 50 ms of PCM, as LiveKit sends them. */
export function append(client: RealtimeClient, audio: Buffer, pieceBytes = 2_400): void {
  for (let at = 0; at < audio.length; at += pieceBytes) {
    const piece = audio.subarray(at, at + pieceBytes);
    client.send({ type: "input_audio_buffer.append", audio: piece.toString("base64") });
  }
}
