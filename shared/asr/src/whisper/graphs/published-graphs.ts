/**
 * The graphs that optimum and transformers.js export, as they are. Each run answers the whole memory, so it is copied with
 * every token, and the runs have neither masks nor positions: rows go together only when their prompts are equally long
 * (and not at all in int8), and each beam is a row of its own. Parlance's own layout has none of these costs; this one needs no conversion.
 * State: the sessions.
 */
import { join } from "node:path";
import { chooseGraph, createSession, float32Output, type Session } from "@parlance/inference";
import type { ArchitectureContext } from "../../types.ts";
import { FRAMES } from "../features.ts";
import { audibleShares } from "./attention.ts";
import type { Attention, BeginOptions, EncodedRows, WhisperGraphs } from "./decoder.ts";
import { mergedDecoder, type PublishedDecoder, splitDecoder } from "./published-decoder.ts";
import type { PublishedSection } from "./published-section.ts";
import { createPublishedStream } from "./published-stream.ts";

const AUDIO_PLACES = FRAMES / 2;

export interface PublishedGraphsOptions extends PublishedSection {
  context: ArchitectureContext;
  /** How many tokens are words. */
  words: number;
}

export async function openPublishedGraphs(options: PublishedGraphsOptions): Promise<WhisperGraphs> {
  const { context, section, alignmentHeads, words } = options;
  const { manifest, folder, device } = context;
  const opened: Session[] = [];
  let computeType = "float32";
  const open = async (role: string): Promise<Session> => {
    const choice = chooseGraph({ manifest, role, wanted: context.options.computeType, provider: device.provider });
    // Of the decoder: it is opened last, and a folder has its two graphs in the same formats.
    computeType = choice.computeType;
    const path = join(folder, manifest.files[choice.role]?.path ?? "");
    const session = await createSession(path, { device, threads: context.options.threads });
    opened.push(session);
    return session;
  };
  const close = async () => {
    for (const session of opened) await session.close();
  };
  try {
    const encoder = await open("encoder");
    const merged = Object.keys(manifest.files).some((role) => role.split(".")[0] === "decoderMerged");
    const decoder = merged
      ? mergedDecoder(await open("decoderMerged"), section)
      : splitDecoder(await open("decoder"), await open("decoderWithPast"), section);
    if (!decoder.tellsAttention) {
      context.options.log(
        "these graphs do not tell their cross attention: words share the time between timestamps by letters",
      );
    }
    const hear = async (data: Float32Array) => {
      const dims = [1, section.mels, FRAMES];
      const heard = await encoder.run({ input_features: { type: "float32", data, dims } }, ["last_hidden_state"]);
      return float32Output(heard, "last_hidden_state");
    };
    // Quantised to eight bits, a run has one scale for the activations of all its rows: together they would not say what
    // each says alone.
    const together = computeType !== "int8";
    return {
      computeType,
      hear,
      async encode(features) {
        const states: Float32Array[] = [];
        for (const row of features) states.push(await hear(row));
        return createRows({ decoder, states, words, section, alignmentHeads, together });
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface RowsOptions extends PublishedSection {
  decoder: PublishedDecoder;
  states: readonly Float32Array[];
  words: number;
  /** Whether rows may share a run. */
  together: boolean;
}

function createRows(options: RowsOptions): EncodedRows {
  const { decoder, states, alignmentHeads } = options;
  return {
    begin: (begin: BeginOptions) => createPublishedStream({ ...options, begin }),
    align(texts, frames) {
      if (!decoder.tellsAttention) return undefined;
      const layers = [...new Set(alignmentHeads.map(([layer]) => layer))];
      const answer = async () => {
        const answers = new Map<number, Attention>();
        for (const [row, tokens] of texts) {
          const ids = BigInt64Array.from(tokens, BigInt);
          const outputs = layers.map((layer) => `cross_attentions.${layer}`);
          const attention = await decoder.first(ids, 1, states[row] ?? new Float32Array(), outputs);
          const head = tokens.length * AUDIO_PLACES;
          const chosen = new Float32Array(alignmentHeads.length * head);
          for (const [place, [layer, number]] of alignmentHeads.entries()) {
            const all = float32Output(attention, `cross_attentions.${layer}`);
            chosen.set(all.subarray(number * head, (number + 1) * head), place * head);
          }
          const shape = { heads: alignmentHeads.length, nodes: tokens.length, places: AUDIO_PLACES };
          answers.set(row, audibleShares(chosen, shape, tokens.length, frames(row), "shares"));
        }
        return answers;
      };
      return answer();
    },
  };
}
