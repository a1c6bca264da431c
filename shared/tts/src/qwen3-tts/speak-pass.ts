/**
 * A pass, from rows to outcomes. The talker asks for rows as it has places for them; each begins with its prompt, its sound leaves in
 * parts while its frames are made, and it ends with its last part. A row that runs away (it repeats itself, says nothing, or comes to
 * its budget) is tried once more by another seed, unless some of its sound has left already: then it ends there and says so.
 */
import { type Manifest, SpeechError } from "@parlance/contracts";
import type { TtsPass } from "../types.ts";
import type { ModelParts } from "./model-parts.ts";
import { type PreparedRow, prepareRow } from "./prepared-row.ts";
import { nextSeed } from "./sampling/noise.ts";
import { isDrawn } from "./sampling/sampling.ts";
import { createRowSound, type RowSound } from "./sound/row-sound.ts";
import { createRepetitionWatch, type RepetitionWatch } from "./stopping/frame-repetition.ts";
import type { TalkingRow } from "./talker/talker.ts";

/** A row that is being said, for the first or the second time. */
interface Attempt {
  prepared: PreparedRow;
  seed: number;
  sound: RowSound;
  watch: RepetitionWatch;
  /** The frame at which it began to repeat itself, once it has. */
  repeats: number | undefined;
}

/** Times that a row may be said. */
const TRIES = 2;

export async function speakPass(parts: ModelParts, manifest: Manifest, pass: TtsPass): Promise<void> {
  const waiting = [...pass.rows.keys()];
  /** Rows that are said again, by their seeds. */
  const again = new Map<number, { prepared: PreparedRow; seed: number }>();
  const attempts = new Map<number, Attempt>();
  const tries = new Map<number, number>();
  const giveWay = () => pass.giveWay();
  const drawn = isDrawn(parts.section.sampling);

  function nextRow(): number | undefined {
    const [repeated] = again.keys();
    if (repeated !== undefined) return repeated;
    return waiting.shift() ?? (parts.talker.refills ? pass.refill(1)[0] : undefined);
  }

  async function take(places: number): Promise<TalkingRow[]> {
    const rows: TalkingRow[] = [];
    while (rows.length < places) {
      const row = nextRow();
      if (row === undefined) break;
      const repeated = again.get(row);
      again.delete(row);
      if (!pass.isOpen(row)) continue;
      const begun = repeated ?? (await prepare(row));
      if (begun !== undefined) rows.push(begin(row, begun.prepared, begun.seed));
    }
    return rows;
  }

  /** Undefined where the row has ended: the model cannot say it. */
  async function prepare(row: number): Promise<{ prepared: PreparedRow; seed: number } | undefined> {
    const text = pass.rows[row];
    if (text === undefined) throw new RangeError(`the pass has no row ${row}`);
    const prepared = await prepareRow(parts, manifest, text, giveWay);
    if ("prompt" in prepared) return { prepared, seed: prepared.seed };
    if (pass.isOpen(row)) pass.end(row, { ok: false, failure: prepared });
    return undefined;
  }

  function begin(row: number, prepared: PreparedRow, seed: number): TalkingRow {
    const { prompt, trailing, budget, beginSound } = prepared;
    const sound = createRowSound({
      begin: beginSound,
      sampleRate: manifest.sampleRate,
      sizes: pass.readsParts(row) ? parts.chunks.read : parts.chunks.whole,
      speed: pass.rows[row]?.speed ?? 1,
    });
    const watch = createRepetitionWatch(prepared.repeatedFrames);
    attempts.set(row, { prepared, seed, sound, watch, repeats: undefined });
    tries.set(row, (tries.get(row) ?? 0) + 1);
    return { row, prompt, trailing, seed, budget };
  }

  function attemptOf(row: number): Attempt {
    const attempt = attempts.get(row);
    if (attempt === undefined) throw new RangeError(`row ${row} is not being said`);
    return attempt;
  }

  /** Decodes what is due, and tells it. The row ends where that is no sound: some weights do not suit some texts in few bits. */
  async function advance(row: number, { sound }: Attempt, ended: boolean): Promise<void> {
    let samples: Int16Array;
    try {
      samples = await sound.advance(ended, giveWay);
    } catch (error) {
      if (!(error instanceof SpeechError) || error.code !== "audio_invalid_samples") throw error;
      if (pass.isOpen(row)) fail(row, `${manifest.name} made samples of it that are no numbers`);
      return;
    }
    if (samples.length > 0 && pass.isOpen(row) && pass.readsParts(row)) {
      // A copy: what is told may be given away.
      pass.tell(row, { samples: samples.slice() });
    }
  }

  function fail(row: number, message: string): void {
    const hint = "Send it with another seed, or in other words.";
    pass.end(row, { ok: false, failure: { code: "engine_failed", message: `${message}. ${hint}` } });
  }

  async function hear(row: number, frame: Int32Array): Promise<boolean> {
    const attempt = attemptOf(row);
    attempt.sound.add(frame);
    attempt.repeats = attempt.watch.add(frame[0] ?? 0);
    if (attempt.repeats !== undefined || attempt.sound.frames >= attempt.prepared.budget) return false;
    await advance(row, attempt, false);
    return pass.isOpen(row);
  }

  async function end(row: number, itself: boolean): Promise<void> {
    const attempt = attemptOf(row);
    attempts.delete(row);
    if (!pass.isOpen(row)) return;
    const { prepared, seed, sound, repeats } = attempt;
    const untold = !pass.readsParts(row) || sound.length === 0;
    const mayTryAgain = drawn && untold && (tries.get(row) ?? 0) < TRIES;
    if (!itself && mayTryAgain) return tryAgain();
    if (repeats !== undefined) {
      if (untold) return fail(row, `${manifest.name} said the same over and over, whatever its seed`);
      sound.cut(repeats);
    }
    await advance(row, attempt, true);
    if (!pass.isOpen(row)) return;
    if (sound.heard) pass.end(row, { ok: true, result: { samples: sound.samples(), truncated: !itself, seed } });
    else if (mayTryAgain) tryAgain();
    else fail(row, `${manifest.name} made nothing but silence of it`);

    function tryAgain(): void {
      again.set(row, { prepared, seed: nextSeed(seed) });
    }
  }

  await parts.talker.talk({ take, hear, end, giveWay, isOpen: (row) => pass.isOpen(row) });
}
