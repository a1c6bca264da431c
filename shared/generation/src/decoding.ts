/** What a way of decoding does, whichever graphs it runs, and what it is given. */
import type { PromptRow } from "./prompt-batch.ts";
import type { Sampler } from "./sampler.ts";

/**
 * The rows of one use of a decoder, which come when there are places for them and end one by one. All that the decoder
 * keeps of them is this use's own: another may run at each `giveWay`.
 */
export interface Decoding {
  /** Rows that wait, for at most so many places; none when none waits. Their numbers are the caller's. */
  take(places: number): Promise<readonly DecodingRow[]>;
  /** False once nobody waits for the row: it leaves at the next step, and does not end. */
  isOpen(row: number): boolean;
  /** All that the row has said so far, as soon as it is there. */
  hear(row: number, tokens: readonly number[]): void;
  /** The row has ended; the others wait until the caller has done with it. */
  end(row: number, decoded: Decoded): Promise<void>;
  /** Between two runs. Whatever it throws ends the decoding, which then holds nothing any more. */
  giveWay: GiveWay;
}

export type GiveWay = () => Promise<void>;

export interface DecodingRow {
  row: number;
  prompt: PromptRow;
  /** What chooses its tokens, where the decoder `samples`. Default: the likeliest is taken. */
  sampler?: Sampler | undefined;
}

export interface Decoded {
  /** Without the end token. */
  tokens: number[];
  /** Of each of them by the model, natural log; also of those that were drawn. */
  logProbabilities: number[];
  /** Mean log-probability of the tokens, the end token included, natural log. */
  score: number;
  /** True when the budget was used up before an end token came. */
  truncated: boolean;
}

export interface Decoder {
  /** Whether it asks for rows again when some have ended while others go on. */
  readonly refills: boolean;
  /** Whether it asks for rows before every token: rows may join one at a time. */
  readonly steps: boolean;
  /** Whether a row's sampler is asked: where the loop is in the graph, it cannot be. */
  readonly samples: boolean;
  /** Decodes rows until none is left and none waits. */
  decode(decoding: Decoding): Promise<void>;
  /** Log-probability of each continuation of a prompt, natural log. Absent where the graphs cannot tell. */
  weigh?(prompt: PromptRow, continuations: readonly (readonly number[])[], giveWay: GiveWay): Promise<number[]>;
  close(): Promise<void>;
}

/** Decodes prompts alone: an answer for each, in order. */
export async function decodeAll(
  decoder: Pick<Decoder, "decode">,
  prompts: readonly PromptRow[],
  giveWay: GiveWay = async () => {},
): Promise<Decoded[]> {
  const waiting = prompts.map((prompt, row): DecodingRow => ({ row, prompt }));
  const answers: Decoded[] = [];
  await decoder.decode({
    take: async (places) => waiting.splice(0, places),
    isOpen: (row) => answers[row] === undefined,
    hear: () => {},
    async end(row, decoded) {
      answers[row] = decoded;
    },
    giveWay,
  });
  return answers;
}
