/** What goes into a realtime session, a step at a time, and what comes of it. */
import type { Failure, LiveState } from "@parlance/contracts";
import type { Problem } from "./realtime-errors.ts";
import type { ServerEvent } from "./server-events.ts";
import type { RealtimeLiveOptions, SessionUpdate } from "./session-config.ts";
import type { UtteranceEnd } from "./turn-text.ts";

export type Output =
  | { to: "client"; event: ServerEvent & { event_id: string } }
  | { to: "live"; call: LiveCall }
  /** `modelFound` answers it. */
  | { to: "models"; find: string }
  | { to: "socket"; close: { code: number; reason: string } };

export type LiveCall =
  | { do: "open"; options: RealtimeLiveOptions }
  | { do: "update"; options: RealtimeLiveOptions }
  | { do: "audio"; audio: Uint8Array }
  | { do: "finalize" }
  /** No audio follows. */
  | { do: "close" };

/** What is told of a live session while it goes on. */
export type LiveNews = Exclude<LiveState, { type: "closed" }>;

export interface RealtimeMachineOptions {
  sessionId: string;
  newId: (kind: "event" | "item") => string;
  now: () => number;
  /** Milliseconds that it may last. */
  lastsMs: number;
  /** Of the address, where it is no model of conversations, and of the client's secret. */
  model?: string | undefined;
  session?: SessionUpdate | undefined;
}

export interface RealtimeMachine {
  /** What its client said is kept until `modelFound`. */
  readonly waiting: boolean;
  begin(): Output[];
  fromClient(text: string): Output[];
  /** A message that is no text. */
  fromClientBinary(): Output[];
  modelFound(problem?: Problem): Output[];
  state(state: LiveNews): Output[];
  partial(partial: { itemId: string; start: number; stable: string; language: string }): Output[];
  done(itemId: string, end: UtteranceEnd): Output[];
  /** The live session is over, and nothing of it is told any more. `failure`: why, where that was not its end. */
  ended(failure?: Failure): Output[];
  /** Time has passed. */
  tick(): Output[];
}
