/**
 * Cuts a session into utterances: a pure machine that counts samples and knows no clock, so that a file that is pushed at fifty times its speed
 * is cut as live speech is.
 *
 *   quiet     → speaking   two windows in a row are above the threshold
 *   speaking  → quiet      silence has lasted long enough, or its publisher said so
 *   speaking  → speaking   the utterance has its longest length: it ends at its quietest point, and the next one begins there
 *
 * Each utterance begins afresh: the machine knows nothing of what was before its rest point, and after a cut it judges the windows since then
 * again. So one that is made at the rest point goes on as this one does. With `turns: none` it is always speaking.
 */
import type { UtteranceEnd } from "@parlance/contracts";
import { WINDOW } from "./hearing-blocks.ts";
import { createKeptAudio } from "./kept-audio.ts";
import { BEGINNING, cutOfUtterance, isUtterance, type Judged, utteranceRules } from "./utterance-rules.ts";
import type { EndpointEvent, Endpointer, EndpointerOptions, RestPoint } from "./utterances.ts";

interface Speaking {
  start: number;
  kind: Judged["kind"];
  /** Since when nobody speaks. */
  silentFrom: number | undefined;
}

export interface EndpointerBeginning {
  /** Default: the session's beginning. */
  rest?: RestPoint | undefined;
  /** Where the first sample that is pushed lies: the listener's `start`, at most `rest.at`. Default 0. */
  start?: number | undefined;
}

export function createEndpointer(
  options: EndpointerOptions = {},
  { rest: { at, carriesOn } = { at: 0, carriesOn: false }, start: firstSample = 0 }: EndpointerBeginning = {},
): Endpointer {
  if (at < firstSample || firstSample % WINDOW !== 0) {
    throw new RangeError(`audio from sample ${firstSample} on cannot be cut from ${at} on`);
  }
  const audio = createKeptAudio(at, firstSample);
  /** Probabilities from window `firstWindow` on. */
  const speech: number[] = [];
  let firstWindow = firstSample / WINDOW;
  /** The next one to be judged. */
  let window = 0;
  let wanted = options;
  let rules = utteranceRules(options);
  let rest: RestPoint = { at, carriesOn };
  let speaking: Speaking | undefined;
  /** Windows in a row above the threshold while nobody speaks yet. */
  let above = 0;
  let told = true;

  const windowAt = (position: number) => Math.floor(position / WINDOW);

  function begin(beginning: RestPoint): void {
    rules = utteranceRules(wanted);
    rest = beginning;
    above = 0;
    window = windowAt(rest.at);
    const kind = rules.detect ? "carried" : "marked";
    const speaks = rest.carriesOn || !rules.detect;
    speaking = speaks ? { start: rest.at, kind, silentFrom: undefined } : undefined;
    told = !speaks;
  }

  function all(events: Iterable<EndpointEvent>): EndpointEvent[] {
    const list = [...events];
    forget();
    return list;
  }

  /** Once for all that was pushed: what a push has too much is moved over once. */
  function forget(): void {
    audio.dropBefore(rest.at);
    const windows = Math.min(windowAt(rest.at) - firstWindow, speech.length);
    speech.splice(0, windows);
    firstWindow += windows;
  }

  /** An utterance that did not begin by speech is told of with its first sample. */
  function* tell(): Generator<EndpointEvent, void> {
    if (told || speaking === undefined || audio.end <= speaking.start) return;
    told = true;
    yield { type: "started", start: speaking.start };
  }

  /** @param now where the window ends. */
  function* listenFor(value: number, now: number): Generator<EndpointEvent, void> {
    above = value >= rules.high ? above + 1 : 0;
    const first = now - above * WINDOW;
    rest = { at: Math.max(rest.at, first - rules.prefix), carriesOn: false };
    if (above === BEGINNING) {
      speaking = { start: rest.at, kind: "spoken", silentFrom: undefined };
      yield { type: "started", start: rest.at };
    }
  }

  function* listenOn(value: number, now: number, utterance: Speaking): Generator<EndpointEvent, void> {
    const { start } = utterance;
    if (value >= rules.high) utterance.silentFrom = undefined;
    else if (value < rules.low) utterance.silentFrom ??= Math.max(start, now - WINDOW);
    const end = (utterance.silentFrom ?? Number.POSITIVE_INFINITY) + rules.silence;
    if (rules.detect && end <= now && end - start <= rules.longest) yield* stop(end, "silence");
    else if (now - start >= rules.longest) yield* cut(start);
  }

  function* cut(start: number): Generator<EndpointEvent, void> {
    yield* stop(start + cutOfUtterance(audio.read(start, start + rules.longest)), "length");
  }

  function* stop(end: number, cause: UtteranceEnd): Generator<EndpointEvent, void> {
    if (speaking === undefined) return;
    const { start, kind } = speaking;
    const own = speech.slice(windowAt(start) - firstWindow);
    const byPublisher = cause === "finalize" || cause === "close";
    if (isUtterance({ start, end, speech: own, kind, told: byPublisher }, rules)) {
      yield { type: "stopped", start, end, cause, samples: audio.read(start, end) };
    } else {
      yield { type: "dropped", start, end };
    }
    begin({ at: end, carriesOn: cause === "length" && rules.detect });
    yield* tell();
  }

  function* judge(): Generator<EndpointEvent, void> {
    yield* tell();
    for (;;) {
      const value = speech[window - firstWindow];
      if (value === undefined) return;
      // What ends here goes back to the window in which the next one begins.
      window += 1;
      yield* speaking === undefined ? listenFor(value, window * WINDOW) : listenOn(value, window * WINDOW, speaking);
    }
  }

  function* end(cause: UtteranceEnd): Generator<EndpointEvent, void> {
    while (speaking !== undefined && audio.end - speaking.start > rules.longest) {
      yield* cut(speaking.start);
      yield* judge();
    }
    if (speaking !== undefined && audio.end > speaking.start) yield* stop(audio.end, cause);
  }

  begin(rest);

  return {
    push(heard) {
      audio.append(heard.samples);
      for (const value of heard.speech) speech.push(value);
      return all(judge());
    },
    finalize: () => all(end("finalize")),
    close: () => all(end("close")),
    update(options) {
      wanted = { ...wanted, ...options };
      if (speaking === undefined || audio.end <= speaking.start) begin(rest);
    },
    get heard() {
      return audio.end;
    },
    get rest() {
      return rest;
    },
    utterance() {
      if (speaking === undefined || audio.end <= speaking.start) return undefined;
      return { start: speaking.start, samples: audio.read(speaking.start, audio.end) };
    },
  };
}
