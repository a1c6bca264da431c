/**
 * The closed loop of a session's windows: one is out, and the next leaves when it was answered or its time is up. So a worker never has
 * two of a session, and none waits behind what others send too often. Only what was spoken since the window before makes a new one.
 *
 * The clock is given; nothing here waits but by it.
 */
import type { WindowAnswer, WindowMemory } from "@parlance/contracts";

/** An utterance that goes on. Positions are samples at SAMPLE_RATE from the session's beginning. */
export interface Speaking {
  itemId: string;
  start: number;
  /** Up to where somebody was heard to speak, and a little further. */
  spokenTo: number;
  /** How long somebody has spoken, pauses not counted. */
  spokenMs: number;
}

export interface SentWindow {
  itemId: string;
  /** From 0 in each utterance. */
  window: number;
  start: number;
  end: number;
  /** By the clock. */
  deadline: number;
  memory: WindowMemory | undefined;
}

export interface WindowClock {
  now(): number;
  /** Returns how not to. */
  schedule(at: number, call: () => void): () => void;
}

export interface WindowLoopOptions {
  clock: WindowClock;
  /** Least time from one window to the next: LIVE_PARTIAL_MS. */
  everyMs: number;
  /** Default 4 000. */
  deadlineMs?: number | undefined;
  send(window: SentWindow): void;
  tell(text: { itemId: string; stable: string; tail: string; start: number; end: number; language: string }): void;
  /** No answer came for so long; told once a second. */
  delayed(ms: number): void;
}

export interface WindowLoop {
  /** Somebody goes on speaking. */
  speaks(speaking: Speaking): void;
  /** The utterance is over: its windows mean nothing any more. */
  stops(): void;
  answered(answer: WindowAnswer): void;
  close(): void;
}

/** Less is no word, and a model reads one into it. */
const FIRST_MS = 300;
const DEADLINE_MS = 4_000;
const DELAYED_MS = 1_000;

interface Utterance {
  speaking: Speaking;
  windows: number;
  /** End of the newest window. */
  sentTo: number;
  stable: string;
  memory: WindowMemory | undefined;
}

export function createWindowLoop(options: WindowLoopOptions): WindowLoop {
  const { clock, everyMs, deadlineMs = DEADLINE_MS, send, tell, delayed } = options;
  let utterance: Utterance | undefined;
  /** Of an utterance that may be over: it is waited for all the same. */
  let out: { window: SentWindow; sentAt: number } | undefined;
  let earliest = Number.NEGATIVE_INFINITY;
  /** Since when no answer came to what was sent. */
  let unansweredSince: number | undefined;
  let cancelTurn: (() => void) | undefined;
  let cancelDelay: (() => void) | undefined;

  function turn(): void {
    cancelTurn?.();
    cancelTurn = undefined;
    const now = clock.now();
    if (out !== undefined && now >= out.window.deadline) out = undefined;
    const at = out?.window.deadline ?? earliest;
    if (at > now) cancelTurn = clock.schedule(at, turn);
    else if (utterance !== undefined && isWorthIt(utterance)) sendNext(utterance, now);
  }

  function isWorthIt({ speaking, sentTo }: Utterance): boolean {
    return speaking.spokenMs >= FIRST_MS && speaking.spokenTo > sentTo;
  }

  function sendNext(of: Utterance, now: number): void {
    const { itemId, start, spokenTo: end } = of.speaking;
    const window = { itemId, window: of.windows, start, end, deadline: now + deadlineMs, memory: of.memory };
    of.windows += 1;
    of.sentTo = end;
    out = { window, sentAt: now };
    earliest = now + everyMs;
    unansweredSince ??= now;
    cancelDelay ??= clock.schedule(unansweredSince + DELAYED_MS, tellDelay);
    send(window);
    turn();
  }

  function tellDelay(): void {
    cancelDelay = undefined;
    if (unansweredSince === undefined || out === undefined) return;
    const now = clock.now();
    delayed(now - unansweredSince);
    cancelDelay = clock.schedule(now + DELAYED_MS, tellDelay);
  }

  function wasAnswered(): void {
    out = undefined;
    unansweredSince = undefined;
    cancelDelay?.();
    cancelDelay = undefined;
  }

  return {
    speaks(speaking) {
      if (utterance?.speaking.itemId === speaking.itemId) utterance.speaking = speaking;
      else utterance = { speaking, windows: 0, sentTo: 0, stable: "", memory: undefined };
      turn();
    },
    stops() {
      utterance = undefined;
      unansweredSince = undefined;
      cancelDelay?.();
      cancelDelay = undefined;
    },
    answered(answer) {
      if (out?.window.itemId !== answer.item || out.window.window !== answer.window) return;
      const { start, end } = out.window;
      wasAnswered();
      if (utterance?.speaking.itemId === answer.item && answer.outcome === "heard") {
        utterance.memory = answer.memory;
        // What was told as stable was believed: a text that contradicts it is not told.
        if (answer.stable.startsWith(utterance.stable)) {
          const { stable, tail, language } = answer;
          utterance.stable = stable;
          tell({ itemId: answer.item, stable, tail, start, end, language });
        }
      }
      turn();
    },
    close() {
      utterance = undefined;
      out = undefined;
      cancelTurn?.();
      cancelDelay?.();
    },
  };
}
