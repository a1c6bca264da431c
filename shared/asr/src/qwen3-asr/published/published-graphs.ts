/**
 * Decoder graphs as others publish them, in two layouts: split (one graph reads the prompt, another takes a token) and merged
 * (one graph for both, with a mask that all rows share). None can hide a place of one row from that row, keys and values come
 * out whole with every token, and so do the scores of all tokens.
 */
import {
  type CacheShape,
  type GiveWay,
  int64Tensor,
  type PromptRow,
  promptPart,
  type Tensors,
  type TokenEmbeddings,
} from "@parlance/generation";
import {
  createPiecedSession,
  createSession,
  float32Output,
  type Session,
  type SessionOptions,
  type TensorData,
} from "@parlance/inference";

export interface PublishedGraphsOptions extends SessionOptions {
  graphs: { init: string; step: string } | { merged: string };
  hidden: number;
  cache: CacheShape;
  embeddings: TokenEmbeddings;
}

export interface PublishedGraphs {
  /** Whether the graphs say that a run may take a token of several rows. */
  readonly shared: boolean;
  /** Reads one prompt. */
  read(row: PromptRow, giveWay: GiveWay): Promise<Said>;
  /** Takes one token in each row of a past; they all stand at the same position. */
  take(tokens: readonly number[], position: number, past: Past): Promise<Said>;
  close(): Promise<void>;
}

/** Keys and values of all layers, [layers, rows, heads, places, size] each. */
export interface Past {
  keys: TensorData;
  values: TensorData;
}

/** What a run answers. */
export interface Said {
  /** Scores of the vocabulary after each row's last token. */
  scores: Float32Array[];
  past: Past;
}

/** Of keys and values: the axis of rows. */
export const ROWS = 1;
const HIDDEN = -30_000;
/** Of the graph that reads a whole prompt in one run. */
const INIT_PIECES = 16;
/** Of a prompt, where the graph reads it in parts. */
const PLACES_PER_RUN = 64;

export function openPublishedGraphs(options: PublishedGraphsOptions): Promise<PublishedGraphs> {
  const { graphs } = options;
  return "merged" in graphs ? openMerged(options, graphs.merged) : openSplit(options, graphs);
}

async function openSplit(
  options: PublishedGraphsOptions,
  graphs: { init: string; step: string },
): Promise<PublishedGraphs> {
  const { hidden } = options;
  const init = await createPiecedSession(graphs.init, options, INIT_PIECES);
  const step = await createSession(graphs.step, options).catch(async (error: unknown) => {
    await init.close();
    throw error;
  });
  // Older exports take embeddings where newer ones take tokens.
  const takesTokens = init.inputNames.includes("input_ids");
  return {
    shared: takesRows(step),
    async read(row, giveWay) {
      const { tokens, vectors, vectorsFrom } = row;
      const prompt: Record<string, TensorData> = takesTokens
        ? {
            input_ids: int64Tensor(tokens, [1, tokens.length]),
            audio_features: { type: "float32", data: vectors, dims: [1, vectors.length / hidden, hidden] },
            audio_offset: int64Tensor([vectorsFrom], [1]),
          }
        : { input_embeds: embedRow(options, row) };
      return said(await init.run({ ...prompt, position_ids: positionsFrom(0, tokens.length) }, giveWay));
    },
    take: async (tokens, position, { keys, values }) =>
      said(
        await step.run({
          input_embeds: embedTokens(options, tokens),
          position_ids: samePosition(position, tokens.length),
          past_keys: keys,
          past_values: values,
        }),
      ),
    async close() {
      await step.close();
      await init.close();
    },
  };
}

async function openMerged(options: PublishedGraphsOptions, graph: string): Promise<PublishedGraphs> {
  const { layers, heads, size } = options.cache;
  const session = await createSession(graph, options);
  const nothing: TensorData = { type: "float32", data: new Float32Array(), dims: [layers, 1, heads, 0, size] };
  return {
    shared: takesRows(session),
    async read(row, giveWay) {
      const length = row.tokens.length;
      let answer: Said = { scores: [], past: { keys: nothing, values: nothing } };
      for (let from = 0; from < length; from += PLACES_PER_RUN) {
        const part = promptPart(row, from, Math.min(length, from + PLACES_PER_RUN), options.hidden);
        const places = part.tokens.length;
        const mask = new Float32Array(places * (from + places));
        for (let query = 0; query < places; query++) {
          mask.fill(HIDDEN, query * (from + places) + from + query + 1, (query + 1) * (from + places));
        }
        if (from > 0) await giveWay();
        const outputs = await session.run({
          input_embeds: embedRow(options, part),
          position_ids: positionsFrom(from, places),
          attention_mask: { type: "float32", data: mask, dims: [1, 1, places, from + places] },
          past_keys: answer.past.keys,
          past_values: answer.past.values,
        });
        answer = said(outputs);
      }
      return answer;
    },
    take: async (tokens, position, { keys, values }) =>
      said(
        await session.run({
          input_embeds: embedTokens(options, tokens),
          position_ids: samePosition(position, tokens.length),
          attention_mask: { type: "float32", data: new Float32Array(position + 1), dims: [1, 1, 1, position + 1] },
          past_keys: keys,
          past_values: values,
        }),
      ),
    close: () => session.close(),
  };
}

/** Whether the number of rows is the caller's to choose: those axes have a name instead of a size. */
function takesRows({ inputShape }: Session): boolean {
  const axes = { input_embeds: 0, position_ids: 0, past_keys: ROWS, past_values: ROWS };
  return Object.entries(axes).every(([name, axis]) => typeof inputShape(name)?.[axis] === "string");
}

function said(outputs: Tensors): Said {
  const { present_keys: keys, present_values: values, logits } = outputs;
  if (keys === undefined || values === undefined) throw new TypeError("the graph answers no keys");
  const [rows = 0, places = 0, vocabulary = 0] = logits?.dims ?? [];
  const all = float32Output(outputs, "logits");
  const scores = Array.from({ length: rows }, (_, row) => {
    const end = (row + 1) * places * vocabulary;
    return all.slice(end - vocabulary, end);
  });
  return { scores, past: { keys, values } };
}

function positionsFrom(from: number, count: number): TensorData {
  const positions = Array.from({ length: count }, (_, index) => from + index);
  return int64Tensor(positions, [1, count]);
}

function samePosition(position: number, rows: number): TensorData {
  return int64Tensor(new Array<number>(rows).fill(position), [rows, 1]);
}

function embedRow(
  { embeddings, hidden }: PublishedGraphsOptions,
  { tokens, vectors, vectorsFrom }: PromptRow,
): TensorData {
  const data = new Float32Array(tokens.length * hidden);
  for (const [place, token] of tokens.entries()) embeddings.write(token, data, place * hidden);
  data.set(vectors, vectorsFrom * hidden);
  return { type: "float32", data, dims: [1, tokens.length, hidden] };
}

function embedTokens({ embeddings, hidden }: PublishedGraphsOptions, tokens: readonly number[]): TensorData {
  const data = new Float32Array(tokens.length * hidden);
  for (const [row, token] of tokens.entries()) embeddings.write(token, data, row * hidden);
  return { type: "float32", data, dims: [tokens.length, 1, hidden] };
}
