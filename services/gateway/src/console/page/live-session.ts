/** A live session: the microphone's frames to `/ws/transcribe`, and what it tells of them. */
import type { Word } from "@parlance/contracts";
import { openSocket } from "./api.ts";
import { type Microphone, openMicrophone, RATE } from "./microphone.ts";

/** What the socket tells, as far as it is shown. */
type Told =
  | { type: "ready" | "speech_stopped" | "dropped" | "done" | "gap" }
  | { type: "speech_started"; start: number }
  | { type: "partial"; text: string; stable: number; end: number }
  | { type: "final"; text: string; language: string; end: number; words?: Word[] }
  | { type: "delayed"; seconds: number }
  | { type: "error"; code: string; message: string };

export interface LiveEvents {
  frame(samples: Int16Array): void;
  /** Seconds of the session that were heard so far, or none where nobody speaks. */
  partial(text: string, stable: number, heard: number): void;
  final(text: string, words: Word[], language: string): void;
  speaking(speaks: boolean): void;
  delayed(seconds: number): void;
}

export interface LiveSession {
  /** Seconds that were sent. */
  readonly sent: number;
  /** Stops listening; what was said is told to its last word. */
  finish(): void;
  /** Resolves when all is told. Rejects with why it ended. */
  ended: Promise<void>;
}

export async function startLive(
  query: Record<string, string>,
  events: LiveEvents,
  signal: AbortSignal,
): Promise<LiveSession> {
  let samples = 0;
  let finishing = false;
  const early: Int16Array<ArrayBuffer>[] = [];
  const socket = openSocket("/ws/transcribe", new URLSearchParams({ ...query, timestamps: "true" }));
  const ending = Promise.withResolvers<void>();
  let microphone: Microphone | undefined;

  const take = (frame: Int16Array<ArrayBuffer>) => {
    if (finishing) return;
    samples += frame.length;
    events.frame(frame);
    if (socket.readyState === WebSocket.OPEN) socket.send(frame);
    else early.push(frame);
  };
  const stop = () => {
    finishing = true;
    void microphone?.close();
    microphone = undefined;
  };

  socket.onopen = () => {
    for (const frame of early.splice(0)) socket.send(frame);
  };
  socket.onmessage = ({ data }) => tell(JSON.parse(data));
  socket.onclose = ({ code, reason }) => {
    stop();
    if (code === 1000) ending.resolve();
    else
      ending.reject(
        new Error(
          reason || (samples === 0 ? "The gateway did not open a session." : `The session ended early (${code}).`),
        ),
      );
  };
  signal.addEventListener("abort", () => {
    stop();
    socket.close();
  });

  function tell(told: Told): void {
    if (told.type === "speech_started") events.speaking(true);
    else if (told.type === "speech_stopped" || told.type === "dropped") events.speaking(false);
    else if (told.type === "partial") events.partial(told.text, told.stable, told.end);
    else if (told.type === "final") events.final(told.text, told.words ?? [], told.language);
    else if (told.type === "delayed") events.delayed(told.seconds);
    else if (told.type === "error") ending.reject(new Error(told.message));
  }

  ending.promise.catch(() => undefined);
  try {
    microphone = await openMicrophone(take);
  } catch (error) {
    socket.close();
    throw error;
  }
  if (finishing) await microphone.close();
  return {
    get sent() {
      return samples / RATE;
    },
    finish() {
      if (finishing) return;
      stop();
      if (socket.readyState === WebSocket.OPEN) socket.send('{"type":"CloseStream"}');
      else socket.close();
    },
    ended: ending.promise,
  };
}
