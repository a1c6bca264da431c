/**
 * What a way of making frames does, whichever graphs it runs, and what it is given. A frame is a number for each of the codec's
 * codebooks, 80 ms of sound.
 */
import type { GiveWay } from "@parlance/generation";

/** One row that begins. */
export interface TalkingRow {
  row: number;
  /** [places, hidden]: the sums of what stands at the places of its prompt. */
  prompt: Float32Array;
  /** [frames, hidden]: what stands at its first frames beside their codes; at all later ones stands the pad. */
  trailing: Float32Array;
  /** Of its noise. */
  seed: number;
  /** Frames that it may come to. */
  budget: number;
}

/** The rows of one use of a talker. All that it keeps of them is this use's own: another may run at each `giveWay`. */
export interface Talking {
  /** Rows that wait, for at most so many places; none when none waits. */
  take(places: number): Promise<readonly TalkingRow[]>;
  /** False once nobody waits for the row: it leaves, and does not end. */
  isOpen(row: number): boolean;
  /** A frame [codes]. False when the row has said enough: it ends. */
  hear(row: number, frame: Int32Array): Promise<boolean>;
  /** The row has ended; the others wait until the caller has done with it. `itself`: the model ended it. */
  end(row: number, itself: boolean): Promise<void>;
  /** Between two runs. Whatever it throws ends the talking, which then holds nothing any more. */
  giveWay: GiveWay;
}

export interface Talker {
  /** Whether rows may join beside others that speak. */
  readonly refills: boolean;
  /** Makes frames of rows until none is left and none waits. */
  talk(talking: Talking): Promise<void>;
}
