/**
 * All sessions of one listening process. Rounds: each session that has a window ready gives one, as many as fit into a run, and those that
 * were left out come first in the next round. So one that is resent at a hundred times its speed holds up nobody.
 */
import { createEar, type Ear } from "./ear.ts";
import { createFrameDecoder, type FrameDecoder } from "./frame-decoder.ts";
import type { Address, Opening } from "./listener-messages.ts";
import type { Heard } from "./listening.ts";
import { type HearingRow, MOST_ROWS, type VoiceActivity } from "./voice-activity.ts";

export interface ListeningRoom {
  open(opening: Opening): Promise<void>;
  /** Each throws `frame_invalid` when the frame cannot be read. What is of a session that is not open is passed over. */
  push(address: Address, bytes: Uint8Array): void;
  silence(address: Address, samples: number): void;
  end(address: Address): void;
  close(session: number): void;
  /** Resolves when few enough windows wait that more audio may be taken. */
  room(): Promise<void>;
}

interface Seat {
  session: number;
  decoder: FrameDecoder;
  ear: Ear;
  /** Messages whose windows are not all heard yet, oldest first. */
  owed: Owed[];
}

interface Owed {
  address: Address;
  samples: Int16Array;
  /** Windows that are still to be heard, and what was heard of those that count. */
  windows: number;
  speech: number[];
}

const isDue = ({ owed }: Seat) => owed[0]?.windows === 0;

/** Windows that wait at most, two minutes of audio: then nothing is read until they are fewer. */
const MOST_WAITING = 4_096;

export function createListeningRoom(
  activity: VoiceActivity,
  answer: (address: Address, heard: Heard) => Promise<void>,
  fail: (error: unknown) => void,
): ListeningRoom {
  const seats = new Map<number, Seat>();
  let hearing = false;
  let waiting = 0;
  let wake: (() => void) | undefined;

  function take(address: Address, decode: (decoder: FrameDecoder) => Int16Array): void {
    const seat = seats.get(address.session);
    if (seat === undefined) return;
    const before = seat.ear.waiting;
    const samples = seat.ear.take(decode(seat.decoder));
    const windows = seat.ear.waiting - before;
    waiting += windows;
    seat.owed.push({ address, samples, windows, speech: [] });
    if (hearing) return;
    hearing = true;
    void hearAll().catch(fail);
  }

  async function hearAll(): Promise<void> {
    for (;;) {
      await answerAll();
      const round: { seat: Seat; rows: HearingRow[] }[] = [];
      let size = 0;
      for (const seat of [...seats.values()]) {
        const rows = seat.ear.next();
        if (rows === undefined) continue;
        if (size + rows.length > MOST_ROWS) break;
        round.push({ seat, rows });
        size += rows.length;
        // The last ones of this round are the last ones of the next.
        seats.delete(seat.session);
        seats.set(seat.session, seat);
      }
      // While answers were written others may have become due.
      if (round.length === 0 && ![...seats.values()].some(isDue)) break;
      if (round.length === 0) continue;
      const probabilities = await activity.hear(round.flatMap(({ rows }) => rows));
      let row = 0;
      for (const { seat, rows } of round) {
        tell(seat, probabilities[row] ?? 0);
        row += rows.length;
      }
      // What came meanwhile joins the next round.
      await new Promise((resolve) => setImmediate(resolve));
    }
    hearing = false;
  }

  function tell(seat: Seat, probability: number): void {
    // Closed in the meantime.
    if (seats.get(seat.session) !== seat) return;
    const { ear, owed } = seat;
    const told = ear.heard(probability);
    waiting -= 1;
    if (waiting < MOST_WAITING) wake?.();
    const first = owed.find(({ windows }) => windows > 0);
    if (first === undefined) return;
    first.windows -= 1;
    if (told !== undefined) first.speech.push(told);
  }

  async function answerAll(): Promise<void> {
    for (const { owed } of [...seats.values()]) {
      while (owed[0] !== undefined && owed[0].windows === 0) {
        const { address, samples, speech } = owed[0];
        owed.shift();
        await answer(address, { samples, speech: Float32Array.from(speech) });
      }
    }
  }

  return {
    async open({ session, message, format, from, start }) {
      const decoder = await createFrameDecoder(format, from);
      seats.set(session, { session, decoder, ear: createEar(start, decoder.start), owed: [] });
      take({ session, message }, () => new Int16Array(0));
    },
    push: (address, bytes) => take(address, (decoder) => decoder.push(bytes)),
    silence: (address, samples) => take(address, (decoder) => decoder.silence(samples)),
    end: (address) => take(address, (decoder) => decoder.end()),
    close(session) {
      const seat = seats.get(session);
      seats.delete(session);
      seat?.decoder.free();
      waiting -= seat?.ear.waiting ?? 0;
    },
    async room() {
      while (waiting >= MOST_WAITING) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
      }
    },
  };
}
