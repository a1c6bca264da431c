/**
 * A session's turns: what becomes one item of its conversation, and how it is told. Pure.
 *
 * A turn begins with the first sample behind the last one, and has its item's id from there on. It is committed by a silence, or by
 * its client; then an utterance that was too long for one pass is not the end of it, and the texts of all its utterances are joined.
 * What ends a turn is that it is committed, that its live session has read up to there, and that each of its utterances is final.
 * Every item that was told ends as completed or failed, once, also when nothing was said.
 *
 * Deltas are what is stable: they only grow, and what is final is not bound by them.
 */
import type { Failure } from "@parlance/contracts";
import { type ServerEvent, serverEvents } from "./server-events.ts";
import { completedOf, failureOf, type Turn, textOf, type Utterance, type UtteranceEnd } from "./turn-text.ts";

export interface TurnsOptions {
  newItemId: () => string;
  say: (event: ServerEvent) => void;
  /** Whether silence ends a turn: then its beginning and its end are told. */
  detects: () => boolean;
  wantsLogprobs: () => boolean;
}

export interface Turns {
  /** From where on nothing is committed or cleared. */
  readonly bufferedFrom: number;
  /** What is committed is not told to its end yet. */
  readonly pending: boolean;
  /** Somebody speaks, and silence will end it. */
  readonly speaking: boolean;
  /** Audio came: a turn has begun, where none was open. */
  touch(): void;
  commit(at: number): void;
  clear(at: number): void;
  /** As `clear`, of so little that nothing can have been said in it. */
  skip(at: number): void;
  started(key: string, start: number): void;
  stopped(key: string, start: number, end: number, byFinalize: boolean): void;
  /** It was no utterance; its key goes to the next one. */
  dropped(key: string, start: number, end: number): void;
  partial(key: string, start: number, stable: string, language: string): void;
  ended(key: string, end: UtteranceEnd): void;
  /** The live session has read up to here. */
  heard(upTo: number): void;
  /** All that came was read; nothing more was said in it. */
  readAll(): void;
  /** Nothing is read or becomes final any more. `failure`: what is not final is not transcribed for that. */
  over(failure?: Failure): void;
}

const silent = { stopped: true, stable: "", language: "" };

/** What was read is told in whole windows of voice activity. */
const WINDOW_SECONDS = 0.05;

export function createTurns({ newItemId, say, detects, wantsLogprobs }: TurnsOptions): Turns {
  /** In the order in which they began; the last may be open. */
  const turns: Turn[] = [];
  const utterances = new Map<string, { turn: Turn; utterance: Utterance }>();
  const final = new Set<string>();
  let bufferedFrom = 0;
  let previous: string | null = null;

  function openTurn(): Turn {
    const last = turns.at(-1);
    if (last?.state === "open") return last;
    const turn: Turn = {
      itemId: newItemId(),
      ...{ start: bufferedFrom, end: undefined, utterances: [], speaking: false },
      ...{ state: "open", awaiting: false, told: "" },
    };
    turns.push(turn);
    return turn;
  }

  /** What is told before the live session has read up to a turn's end is of that turn. */
  function known(key: string, start: number) {
    const found = utterances.get(key);
    if (found !== undefined) return found;
    const turn = turns.find(({ awaiting }) => awaiting) ?? openTurn();
    const utterance: Utterance = { ...silent, start, stopped: false };
    turn.utterances.push(utterance);
    const made = { turn, utterance };
    utterances.set(key, made);
    if (turn.state === "open" && detects() && !turn.speaking) {
      turn.speaking = true;
      turn.start = start;
      say(serverEvents.started(turn.itemId, start));
    }
    return made;
  }

  function silence(turn: Turn, at: number): void {
    if (!turn.speaking) return;
    turn.speaking = false;
    say(serverEvents.stopped(turn.itemId, at));
  }

  function close(turn: Turn, state: "committed" | "cleared", at: number): void {
    silence(turn, at);
    turn.state = state;
    turn.end = at;
    bufferedFrom = Math.max(bufferedFrom, at);
    if (state === "cleared") return;
    for (const event of serverEvents.committed(turn.itemId, previous)) say(event);
    previous = turn.itemId;
  }

  function tell(turn: Turn, text: string): void {
    if (turn.state === "cleared" || text.length <= turn.told.length || !text.startsWith(turn.told)) return;
    say(serverEvents.delta(turn.itemId, text.slice(turn.told.length)));
    turn.told = text;
  }

  function settle(turn: Turn): void {
    if (turn.state === "open" || turn.awaiting || turn.utterances.some(({ end }) => end === undefined)) return;
    const at = turns.indexOf(turn);
    if (at === -1) return;
    turns.splice(at, 1);
    if (turn.state === "committed") conclude(turn);
  }

  function conclude(turn: Turn): void {
    const failure = failureOf(turn);
    if (failure === undefined) {
      tell(turn, textOf(turn));
      say(serverEvents.completed(turn.itemId, completedOf(turn, wantsLogprobs())));
    } else {
      say(serverEvents.failed(turn.itemId, failure));
    }
  }

  function stop(key: string, start: number, end: number): Turn {
    const { turn, utterance } = known(key, start);
    utterance.stopped = true;
    if (turn.state === "open" && (detects() || turn.speaking)) close(turn, "committed", end);
    return turn;
  }

  return {
    get bufferedFrom() {
      return bufferedFrom;
    },
    get pending() {
      return turns.some(({ state }) => state === "committed");
    },
    get speaking() {
      return turns.at(-1)?.speaking ?? false;
    },
    touch() {
      openTurn();
    },
    commit(at) {
      const turn = openTurn();
      turn.awaiting = true;
      close(turn, "committed", at);
    },
    clear(at) {
      const turn = openTurn();
      turn.awaiting = true;
      close(turn, "cleared", at);
    },
    skip(at) {
      bufferedFrom = Math.max(bufferedFrom, at);
    },
    started(key, start) {
      if (!final.has(key)) known(key, start);
    },
    stopped(key, start, end, byFinalize) {
      if (final.has(key)) return;
      const turn = stop(key, start, end);
      if (byFinalize) turn.awaiting = false;
      settle(turn);
    },
    dropped(key, start, end) {
      if (final.has(key)) return;
      const turn = stop(key, start, end);
      const { utterance } = known(key, start);
      utterances.delete(key);
      turn.utterances.splice(turn.utterances.indexOf(utterance), 1);
      settle(turn);
    },
    partial(key, start, stable, language) {
      if (final.has(key)) return;
      const { turn, utterance } = known(key, start);
      if (!stable.startsWith(utterance.stable)) return;
      utterance.stable = stable;
      utterance.language = language;
      tell(turn, textOf(turn));
    },
    ended(key, end) {
      if (final.has(key)) return;
      const { turn, utterance } = known(key, bufferedFrom);
      const seconds = "transcript" in end ? (end.seconds ?? 0) : 0;
      if (!utterance.stopped) stop(key, utterance.start, utterance.start + seconds);
      utterance.end = end;
      final.add(key);
      utterances.delete(key);
      tell(turn, textOf(turn));
      settle(turn);
    },
    heard(upTo) {
      for (const turn of [...turns]) {
        const { awaiting, end = Number.POSITIVE_INFINITY } = turn;
        if (!awaiting || end > upTo + WINDOW_SECONDS || turn.utterances.some(({ stopped }) => !stopped)) continue;
        turn.awaiting = false;
        settle(turn);
      }
    },
    readAll,
    over(failure) {
      if (failure !== undefined) for (const turn of turns) fail(turn, failure);
      readAll();
    },
  };

  function readAll(): void {
    for (const turn of [...turns]) {
      turn.awaiting = false;
      settle(turn);
    }
  }

  function fail(turn: Turn, failure: Failure): void {
    for (const utterance of turn.utterances) utterance.end ??= { failure };
    if (turn.awaiting) turn.utterances.push({ ...silent, start: turn.start, end: { failure } });
  }
}
