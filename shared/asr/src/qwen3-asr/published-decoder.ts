/**
 * Decoders as others publish them, in two layouts: split (one graph reads the prompt, another takes a token) and merged (one
 * graph for both, with a mask). Neither can mask the padding of a ragged batch, so that rows run one after the other; keys
 * and values come out whole with every token, and so do the scores of all tokens.
 */
import { createSession, float32Output, type Session, type SessionOptions, type TensorData } from "@parlance/inference";
import { createSpeaker, type GreedyDecoder } from "./greedy-decoder.ts";
import type { CacheShape, Tensors } from "./key-value-cache.ts";
import { int64Tensor, type PromptRow } from "./prompt-batch.ts";
import type { TokenEmbeddings } from "./token-embeddings.ts";

export interface PublishedDecoderOptions extends SessionOptions {
  graphs: { init: string; step: string } | { merged: string };
  hidden: number;
  cache: CacheShape;
  embeddings: TokenEmbeddings;
  endTokens: readonly number[];
}

/** One run: what comes out is the past of the next one. */
interface Runner {
  read(row: PromptRow): Promise<Tensors>;
  take(token: number, position: number, past: Tensors): Promise<Tensors>;
  close(): Promise<void>;
}

const HIDDEN = -30_000;

export async function createPublishedDecoder(options: PublishedDecoderOptions): Promise<GreedyDecoder> {
  const { graphs, endTokens } = options;
  const runner = "merged" in graphs ? await openMerged(options, graphs.merged) : await openSplit(options, graphs);
  return {
    async decode(rows) {
      const answers = [];
      for (const row of rows) {
        const speaker = createSpeaker(row.budget, endTokens);
        let outputs = await runner.read(row);
        let position = row.tokens.length;
        for (let best = chooseLast(outputs); speaker.say(...best); best = chooseLast(outputs)) {
          outputs = await runner.take(best[0], position++, outputs);
        }
        answers.push(speaker.result());
      }
      return answers;
    },
    close: () => runner.close(),
  };
}

async function openSplit(options: PublishedDecoderOptions, graphs: { init: string; step: string }): Promise<Runner> {
  const { hidden } = options;
  const init = await createSession(graphs.init, options);
  const step = await createSession(graphs.step, options).catch(async (error: unknown) => {
    await init.close();
    throw error;
  });
  // Older exports take embeddings where newer ones take tokens.
  const takesTokens = init.inputNames.includes("input_ids");
  return {
    read(row) {
      const { tokens, audio, audioFrom } = row;
      const prompt: Record<string, TensorData> = takesTokens
        ? {
            input_ids: int64Tensor(tokens, [1, tokens.length]),
            audio_features: { type: "float32", data: audio, dims: [1, audio.length / hidden, hidden] },
            audio_offset: int64Tensor([audioFrom], [1]),
          }
        : { input_embeds: embedRow(options, row) };
      return init.run({ ...prompt, position_ids: range(0, tokens.length) });
    },
    take: (token, position, past) =>
      step.run({
        input_embeds: embedToken(options, token),
        position_ids: range(position, 1),
        ...pastOf(past),
      }),
    async close() {
      await step.close();
      await init.close();
    },
  };
}

async function openMerged(options: PublishedDecoderOptions, graph: string): Promise<Runner> {
  const { layers, heads, size } = options.cache;
  const session: Session = await createSession(graph, options);
  const nothing: TensorData = { type: "float32", data: new Float32Array(), dims: [layers, 1, heads, 0, size] };
  return {
    read(row) {
      const places = row.tokens.length;
      const mask = new Float32Array(places * places);
      for (let query = 0; query < places; query++) mask.fill(HIDDEN, query * places + query + 1, (query + 1) * places);
      return session.run({
        input_embeds: embedRow(options, row),
        position_ids: range(0, places),
        attention_mask: { type: "float32", data: mask, dims: [1, 1, places, places] },
        past_keys: nothing,
        past_values: nothing,
      });
    },
    take: (token, position, past) =>
      session.run({
        input_embeds: embedToken(options, token),
        position_ids: range(position, 1),
        attention_mask: { type: "float32", data: new Float32Array(position + 1), dims: [1, 1, 1, position + 1] },
        ...pastOf(past),
      }),
    close: () => session.close(),
  };
}

function pastOf({ present_keys, present_values }: Tensors): Record<string, TensorData> {
  if (present_keys === undefined || present_values === undefined) throw new TypeError("the graph answers no keys");
  return { past_keys: present_keys, past_values: present_values };
}

function range(from: number, count: number): TensorData {
  return int64Tensor(
    Array.from({ length: count }, (_, index) => from + index),
    [1, count],
  );
}

function embedRow(
  { embeddings, hidden }: PublishedDecoderOptions,
  { tokens, audio, audioFrom }: PromptRow,
): TensorData {
  const data = new Float32Array(tokens.length * hidden);
  for (const [place, token] of tokens.entries()) embeddings.write(token, data, place * hidden);
  data.set(audio, audioFrom * hidden);
  return { type: "float32", data, dims: [1, tokens.length, hidden] };
}

function embedToken({ embeddings, hidden }: PublishedDecoderOptions, token: number): TensorData {
  const data = new Float32Array(hidden);
  embeddings.write(token, data, 0);
  return { type: "float32", data, dims: [1, 1, hidden] };
}

/** The best token of the last place, and its log-probability. */
function chooseLast(outputs: Tensors): [token: number, logProbability: number] {
  const logits = float32Output(outputs, "logits");
  const vocabulary = outputs.logits?.dims.at(-1) ?? 0;
  const last = logits.subarray(logits.length - vocabulary);
  let best = 0;
  for (let token = 1; token < vocabulary; token++) {
    if ((last[token] ?? 0) > (last[best] ?? 0)) best = token;
  }
  const top = last[best] ?? 0;
  let sum = 0;
  for (let token = 0; token < vocabulary; token++) sum += Math.exp((last[token] ?? 0) - top);
  return [best, -Math.log(sum)];
}
