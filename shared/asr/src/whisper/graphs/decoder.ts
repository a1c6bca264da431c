/**
 * What the architecture needs of a model's graphs, whichever layout they are in: this room has the layouts. Parlance's own is
 * own-graphs.ts, with the loop inside it loop-graphs.ts; other people's are published-graphs.ts.
 *
 * All that a pass keeps between two runs lies in its PassRows: another pass may run at each of its yield points.
 */
import type { Gathering } from "../../row-queue.ts";
import type { Looped, LoopRow, Reading, StartScores, Wanted } from "../search/readings.ts";
import type { NodeScores } from "../search/scores.ts";
import type { Step } from "../search/search.ts";
import type { Suppression } from "../search/suppression.ts";
import type { Prompt } from "../text/prompt.ts";
import type { Alignment, Spoken } from "../words/attention.ts";

export interface WhisperGraphs {
  readonly computeType: string;
  /** Whether rows may be heard, and said beside others, at any time. */
  readonly refills: boolean;
  /** How rows that join wait for each other. Default: they do not. */
  readonly gathering?: Gathering | undefined;
  /** Rows that are best heard together. */
  readonly rowsPerHearing: number;
  /** Memory for a pass that begins with so many rows. `giveWay` is called before each run. */
  open(rows: number, giveWay: GiveWay): PassRows;
  /** The encoder's last states [rows, 1500, width]; the features of several rows stand one behind the other. */
  hear(features: Float32Array, giveWay?: GiveWay): Promise<Float32Array>;
  /** When no pass runs. */
  close(): Promise<void>;
}

export type GiveWay = () => Promise<void>;

/** Rows of a pass, by their numbers. */
export interface PassRows {
  /** Whole texts in few runs, where the device keeps the memory; absent where every token is a run. */
  readonly loop?: RowLoop;
  /** Hears rows, at most `rowsPerHearing` in a run. Features are [mels, 3000] each. */
  hear(features: ReadonlyMap<number, Float32Array>): Promise<void>;
  /** What follows each prompt's start token alone. The prompts may be others than those that are read later. */
  start(prompts: ReadonlyMap<number, Prompt>): Promise<Map<number, StartScores>>;
  /** Reads prompts. What such a row has said before is forgotten. */
  read(prompts: ReadonlyMap<number, Prompt>): Promise<Map<number, Reading>>;
  /** Says one token more in every row that is named. */
  step(steps: ReadonlyMap<number, Step>, wanted: Wanted): Promise<Map<number, NodeScores[]>>;
  /** How the row hears what it says; undefined when the graphs do not tell. The row can only be dropped afterwards. */
  align(row: number, spoken: Spoken): Promise<Alignment | undefined>;
  /** The row has ended; nothing happens when it has already. */
  drop(row: number): void;
  /** Gives all memory back. */
  close(): void;
}

export interface RowLoop {
  /** Says some tokens more in each row, greedily and under openai-whisper's rules. */
  run(rows: ReadonlyMap<number, LoopRow>, suppression: Suppression): Promise<Map<number, Looped>>;
}
