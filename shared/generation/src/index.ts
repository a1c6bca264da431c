/**
 * Autoregressive decoding, whatever the tokens stand for: prompts of tokens and vectors, keys and values in plain arrays,
 * steps of many rows at once, and the choice of the next token. It knows no architecture and nothing of sound; the graphs
 * that it runs are the caller's, and so are their input names where they differ.
 */
export {
  type DecoderGraph,
  type DecoderGraphOptions,
  openDecoderGraph,
  promptPart,
  type StepInput,
} from "./decoder-graph.ts";
export {
  type Decoded,
  type Decoder,
  type Decoding,
  type DecodingRow,
  decodeAll,
  type GiveWay,
} from "./decoding.ts";
export { type CacheShape, createCache, type KeyValueCache, type Tensors } from "./key-value-cache.ts";
export { createLoopDecoder, type LoopDecoderOptions } from "./loop-decoder.ts";
export {
  type EmbeddingInput,
  int64Tensor,
  makePromptBatch,
  type PromptBatch,
  type PromptBatchOptions,
  type PromptRow,
  promptPositions,
  type VectorInputs,
} from "./prompt-batch.ts";
export {
  type Chosen,
  createSampler,
  draw,
  likeliest,
  processScores,
  type Sampler,
  type SamplingOptions,
  uniform,
} from "./sampler.ts";
export { type BatchInput, createStepBatch, type StepBatch, type StepBatchOptions } from "./step-batch.ts";
export { createStepDecoder, type StepDecoderOptions } from "./step-decoder.ts";
export { createTextTokenizer, loadTextTokenizer, type TextTokenizer, withoutControlTokens } from "./text-tokenizer.ts";
export { createTokenCollector, type TokenCollector } from "./token-collector.ts";
export { type EmbeddingFile, loadEmbeddings, openEmbeddings, type TokenEmbeddings } from "./token-embeddings.ts";
