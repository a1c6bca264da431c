/** The small model of echo-model.ts in a folder as others publish such models: without a manifest. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { sizes } from "./echo-graphs.ts";
import {
  codecEmbeddings,
  type EchoKind,
  languages,
  speakers,
  textEmbeddings,
  tokenizer,
  tokens,
} from "./echo-model.ts";
import {
  CODE_FEATURE,
  chunkDecoderGraph,
  clipEncoderGraph,
  codecEmbedGraph,
  codePredictorGraph,
  decodeGraph,
  melSpeakerGraph,
  prefillGraph,
  subTalkerGraph,
  talkerCoreGraph,
  textProjectGraph,
  vocoderGraph,
} from "./published-echo-graphs.ts";

/** All in one folder, with number formats in folders of their own, and with tables inside of graphs. */
export const publishedLayouts = ["stacked", "stacked in formats", "fused"] as const;
export type PublishedLayout = (typeof publishedLayouts)[number];

/** Of the clips that the stacked codec encoder takes: two seconds. */
export const CLIP_SAMPLES = 48_000;

const { hidden, codes, codebooks, codebookSize } = sizes;
const texts = { tts_pad_token_id: tokens.ttsPad, tts_bos_token_id: tokens.ttsBos, tts_eos_token_id: tokens.ttsEos };
const marks = {
  ...{ codec_pad_id: 128, codec_bos_id: 129, codec_eos_token_id: sizes.end },
  ...{ codec_think_id: 131, codec_nothink_id: 132, codec_think_bos_id: 133, codec_think_eos_id: 134 },
};
const languageIds = Object.fromEntries(Object.entries(languages).map(([name, id]) => [name.toLowerCase(), id]));
const cache = { num_hidden_layers: 1, num_key_value_heads: 1, head_dim: hidden };

function configOf(layout: PublishedLayout, kind: EchoKind): object {
  const ids = kind === "custom_voice" ? speakers : {};
  const talker = { ...marks, ...cache, hidden_size: hidden, vocab_size: codes, num_code_groups: codebooks };
  const predictor = { ...cache, vocab_size: codebookSize };
  switch (layout) {
    case "stacked":
      return { talker, code_predictor: predictor, tts: texts, language_ids: languageIds, speaker_dialect: {} };
    case "stacked in formats":
      return {
        ...{ ...texts, ...marks, tts_model_type: kind, codec_language_id: languageIds },
        ...{ talker_hidden_size: hidden, talker_num_layers: 1, talker_num_kv_heads: 1, talker_head_dim: hidden },
        ...{ talker_vocab_size: codes, talker_num_code_groups: codebooks, cp_vocab_size: codebookSize },
        ...{ cp_num_layers: 1, cp_num_kv_heads: 1, cp_head_dim: hidden, spk_id: ids, spk_is_dialect: {} },
      };
    case "fused":
      return {
        ...{ ...texts, tts_model_type: kind },
        talker_config: {
          ...{ ...talker, code_predictor_config: predictor, codec_language_id: languageIds },
          ...{ spk_id: ids, spk_is_dialect: {} },
        },
      };
  }
}

/** Makes the folder. */
export async function writePublishedEcho(
  folder: string,
  layout: PublishedLayout,
  kind: EchoKind = "custom_voice",
): Promise<void> {
  const write = async (path: string, content: Uint8Array | string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  };
  const { vocab, merges } = tokenizer().model;
  const words = layout === "fused" ? "" : "tokenizer/";
  await write(`${words}vocab.json`, JSON.stringify(vocab));
  await write(`${words}merges.txt`, ["#version: 0.2", ...merges.map((pair) => pair.join(" ")), ""].join("\n"));
  await write(layout === "stacked" ? "embeddings/config.json" : "config.json", JSON.stringify(configOf(layout, kind)));
  const table = codecEmbeddings().slice(0, codes * hidden);
  if (layout === "fused") {
    await write("talker/talker_core.onnx", talkerCoreGraph());
    await write("decode/sub_talker_sample.onnx", subTalkerGraph(table));
    await write("tokenizer/tokenizer12hz_decode_chunk.onnx", chunkDecoderGraph());
    await write("text_project/text_project.onnx", textProjectGraph(textEmbeddings()));
    await write("codec_embed/codec_embed.onnx", codecEmbedGraph(table));
    return;
  }
  if (kind === "base") {
    await write("speaker_encoder.onnx", melSpeakerGraph());
    if (layout !== "stacked") await write("tokenizer_encoder.onnx", clipEncoderGraph(CLIP_SAMPLES));
  }
  const graphs = layout === "stacked" ? "" : "fp32/";
  await write(`${graphs}talker_prefill.onnx`, prefillGraph());
  await write(`${graphs}talker_decode.onnx`, decodeGraph());
  await write(`${graphs}code_predictor.onnx`, codePredictorGraph());
  await write(`${graphs}vocoder.onnx`, vocoderGraph());
  if (layout === "stacked") await write("embeddings/speaker_ids.json", JSON.stringify(kind === "base" ? {} : speakers));
  const rows = textEmbeddings();
  await write("embeddings/text_embedding.npy", npy(rows, [rows.length / hidden, hidden]));
  // x is silu(x) less silu(-x).
  const both = Float32Array.from({ length: 2 * hidden * hidden }, (_, at) => {
    const [row, column] = [Math.floor(at / hidden), at % hidden];
    return row % hidden === column ? (row < hidden ? 1 : -1) : 0;
  });
  const back = Float32Array.from({ length: 2 * hidden * hidden }, (_, at) => {
    const [row, column] = [Math.floor(at / (2 * hidden)), at % (2 * hidden)];
    return column % hidden === row ? (column < hidden ? 1 : -1) : 0;
  });
  await write("embeddings/text_projection_fc1_weight.npy", npy(both, [2 * hidden, hidden]));
  await write("embeddings/text_projection_fc1_bias.npy", npy(new Float32Array(2 * hidden), [2 * hidden]));
  await write("embeddings/text_projection_fc2_weight.npy", npy(back, [hidden, 2 * hidden]));
  await write("embeddings/text_projection_fc2_bias.npy", npy(new Float32Array(hidden), [hidden]));
  // So that the code predictor knows which code an embedding is of.
  const told = table.map((number, at) => (at % hidden === CODE_FEATURE ? Math.floor(at / hidden) : number));
  await write("embeddings/talker_codec_embedding.npy", npy(told, [codes, hidden]));
  const other = new Float32Array(codebookSize * hidden);
  for (let code = 0; code < codebookSize; code += 1) other[code * hidden + CODE_FEATURE] = code;
  for (let book = 0; book < codebooks - 1; book += 1) {
    await write(`embeddings/cp_codec_embedding_${book}.npy`, npy(other, [codebookSize, hidden]));
  }
}

/** As NumPy writes it, version 1. */
export function npy(data: Float32Array, shape: readonly number[]): Uint8Array {
  const sizesOf = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const said = `{'descr': '<f4', 'fortran_order': False, 'shape': (${sizesOf}), }`;
  const header = `${said.padEnd(Math.ceil((said.length + 11) / 64) * 64 - 11)}\n`;
  const preamble = Buffer.from("\x93NUMPY\x01\x00\x00\x00", "latin1");
  preamble.writeUInt16LE(header.length, 8);
  return Buffer.concat([
    preamble,
    Buffer.from(header, "latin1"),
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ]);
}
