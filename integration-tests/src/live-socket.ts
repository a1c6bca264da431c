/**
 * A client of `/ws/transcribe` that goes on with its session when its socket is lost: it opens another one by the session's id, is told
 * from where on audio is wanted, and sends that again.
 */
import { setTimeout as pause } from "node:timers/promises";
import { SAMPLE_RATE } from "@parlance/contracts";
import * as z from "zod";
import type { SpeakOptions, SpokenSession } from "./live-publisher.ts";
import type { RestClient } from "./rest-client.ts";

const times = { start: z.number(), end: z.number() };
const utterance = z.number().transform(String);
const toldSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready"), session: z.string(), position: z.number() }),
  z.object({ type: z.literal("partial"), utterance, text: z.string(), stable: z.number(), ...times }),
  z.object({ type: z.literal("final"), utterance, text: z.string(), language: z.string(), ...times }),
  z.object({ type: z.literal("done"), utterances: z.number() }),
  z.object({ type: z.literal("error"), code: z.string(), message: z.string() }),
  z.object({ type: z.enum(["speech_started", "speech_stopped", "dropped", "delayed", "gap"]) }),
]);

export interface SpeakSocketOptions extends Omit<SpeakOptions, "sessionId" | "wishes"> {
  client: RestClient;
  gatewayUrl: () => string;
  /** Called with the seconds that were spoken so far. */
  onSpoken?: (seconds: number) => void;
}

const AGAIN_MS = 300;
/** Without `ready` for so long the socket is given up. */
const READY_MS = 15_000;

/** Speaks all of it, closes the stream, and resolves when all of it is final. */
export async function speakOverSocket(options: SpeakSocketOptions): Promise<SpokenSession> {
  const { samples, client, gatewayUrl, frameMs = 50, pace = 1, limitMs = 60_000, onSpoken } = options;
  const frame = Math.round((SAMPLE_RATE * frameMs) / 1_000);
  const session: SpokenSession = {
    sessionId: "",
    beganAt: Date.now(),
    partials: [],
    states: [],
    finals: new Map(),
    utterances: [],
    resumed: 0,
    repeated: 0,
  };
  const errors: string[] = [];
  let began: number | undefined;
  let deadline = Number.POSITIVE_INFINITY;

  for (let over = false; !over; ) {
    over = await oneSocket();
    if (!over && performance.now() > deadline) {
      throw new Error(
        `session ${session.sessionId} was not final within ${limitMs} ms: ${errors.slice(-3).join("; ")}`,
      );
    }
    if (!over) await pause(AGAIN_MS);
  }
  const status = await client.status(session.sessionId);
  session.utterances = status.items.map(({ item_id, start = 0, end = 0 }) => ({ itemId: item_id, start, end }));
  return session;

  /** True when all was told. */
  async function oneSocket(): Promise<boolean> {
    const query = new URLSearchParams({ encoding: "pcm", sample_rate: String(SAMPLE_RATE), resume: "true" });
    if (session.sessionId !== "") {
      query.set("session", session.sessionId);
      query.set("from", String(session.finals.size - 1));
    }
    const socket = new WebSocket(`${gatewayUrl().replace(/^http/, "ws")}/ws/transcribe?${query}`);
    const gone = new AbortController();
    const ready = Promise.withResolvers<number>();
    ready.promise.catch(() => undefined);
    let over = false;
    socket.addEventListener("close", () => gone.abort());
    socket.addEventListener("error", () => gone.abort());
    gone.signal.addEventListener("abort", () => ready.reject(new Error("the socket is gone")));
    socket.addEventListener("message", ({ data }) => {
      const told = toldSchema.parse(JSON.parse(String(data)));
      if (told.type === "ready") {
        if (session.sessionId !== "") session.resumed += 1;
        session.sessionId = told.session;
        ready.resolve(told.position);
      } else if (told.type === "done") over = true;
      else if (told.type === "error") errors.push(told.message);
      else take(told);
    });
    const tooLate = setTimeout(() => gone.abort(), READY_MS);
    try {
      const position = await ready.promise;
      clearTimeout(tooLate);
      if (began === undefined) {
        began = performance.now();
        session.beganAt = Date.now();
      }
      await speakFrom(socket, position, began, gone.signal);
    } catch {
      // Another socket goes on with it.
    } finally {
      clearTimeout(tooLate);
      socket.close();
    }
    return over;
  }

  async function speakFrom(socket: WebSocket, position: number, beganAt: number, gone: AbortSignal): Promise<void> {
    for (let from = position - (position % frame); from < samples.length; from += frame) {
      const upTo = Math.min(from + frame, samples.length);
      const due = beganAt + (upTo * 1_000) / SAMPLE_RATE / pace;
      await pause(Math.max(0, due - performance.now()), undefined, { signal: gone });
      const start = Math.max(from, position);
      socket.send(Buffer.from(samples.buffer, samples.byteOffset + start * 2, (upTo - start) * 2));
      onSpoken?.(upTo / SAMPLE_RATE);
    }
    socket.send(JSON.stringify({ type: "CloseStream" }));
    if (deadline === Number.POSITIVE_INFINITY) deadline = performance.now() + limitMs;
    await pause(limitMs, undefined, { signal: gone });
  }

  function take(told: Exclude<z.infer<typeof toldSchema>, { type: "ready" | "done" | "error" }>): void {
    const at = Date.now();
    const { sessionId } = session;
    if (told.type === "partial") {
      const { utterance: itemId, start, end } = told;
      const letters = [...told.text];
      const stable = letters.slice(0, told.stable).join("");
      const tail = letters.slice(told.stable).join("");
      session.partials.push({ at, partial: { sessionId, itemId, stable, tail, start, end, language: "", at } });
    } else if (told.type === "final") {
      const { utterance: itemId, text, language } = told;
      if (session.finals.has(itemId)) session.repeated += 1;
      const transcript = { text, language };
      const of = { batchId: sessionId, itemId, operation: "transcribe" as const, finishedAt: at };
      session.finals.set(itemId, { at, done: { ...of, status: "done", transcript } });
    }
  }
}
