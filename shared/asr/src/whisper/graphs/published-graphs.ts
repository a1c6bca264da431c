/**
 * The graphs that optimum and transformers.js export, as they are. Each run answers the whole memory, so it is copied with
 * every token. The runs have neither masks nor positions: rows go together only when their prompts are equally long and
 * are read at the same time (and not at all in int8). So no row joins others later, and each beam is a row of its own.
 * Parlance's own layout has none of these costs; this one needs no conversion.
 * State: the sessions.
 */
import { join } from "node:path";
import {
  type ComputeType,
  chooseGraph,
  createPiecedSession,
  createSession,
  float32Output,
  type Session,
} from "@parlance/inference";
import type { ArchitectureContext } from "../../types.ts";
import { FRAMES } from "../features.ts";
import type { GiveWay, WhisperGraphs } from "./decoder.ts";
import { mergedDecoder, splitDecoder } from "./published-decoder.ts";
import { createPublishedRows } from "./published-rows.ts";
import type { PublishedSection } from "./published-section.ts";
import { anySize, createRunSize } from "./run-size.ts";

const AUDIO_PLACES = FRAMES / 2;
/** A prompt is read by most of the decoder's weights, and what was heard by few: on average this many vectors by each. */
const PROMPT_PLACES = AUDIO_PLACES / 5;

export interface PublishedGraphsOptions extends PublishedSection {
  context: ArchitectureContext;
  /** How many tokens are words. */
  words: number;
}

export async function openPublishedGraphs(options: PublishedGraphsOptions): Promise<WhisperGraphs> {
  const { context, section, alignmentHeads, words } = options;
  const { manifest, folder, device } = context;
  const opened: Pick<Session, "close">[] = [];
  /** Of the decoder: it is opened last, and a folder has its two graphs in the same formats. */
  const chosen: { computeType: ComputeType } = { computeType: "float32" };
  const { threads, log } = context.options;
  const pathOf = (role: string): string => {
    const choice = chooseGraph({ manifest, role, wanted: context.options.computeType, provider: device.provider });
    chosen.computeType = choice.computeType;
    return join(folder, manifest.files[choice.role]?.path ?? "");
  };
  const noted = async <Opened extends Pick<Session, "close">>(opening: Promise<Opened>): Promise<Opened> => {
    const session = await opening;
    opened.push(session);
    return session;
  };
  const open = (role: string) => noted(createSession(pathOf(role), { device, threads }));
  const openLong = (role: string, vectors: number) =>
    noted(createPiecedSession(pathOf(role), { device, threads, log }, { vectors }));
  const close = async () => {
    for (const session of opened) await session.close();
  };
  try {
    const encoder = await openLong("encoder", AUDIO_PLACES);
    const merged = Object.keys(manifest.files).some((role) => role.split(".")[0] === "decoderMerged");
    const decoder = merged
      ? mergedDecoder(await open("decoderMerged"), section)
      : splitDecoder(await openLong("decoder", PROMPT_PLACES), await open("decoderWithPast"), section);
    if (!decoder.tellsAttention) {
      log("these graphs do not tell their cross attention: words share the time between timestamps by letters");
    }
    const hear = async (data: Float32Array, giveWay: GiveWay = async () => {}) => {
      await giveWay();
      const input_features = { type: "float32", data, dims: [1, section.mels, FRAMES] } as const;
      return float32Output(await encoder.run({ input_features }, giveWay, ["last_hidden_state"]), "last_hidden_state");
    };
    const { computeType } = chosen;
    // Quantised to eight bits, a run has one scale for the activations of all its rows: together they would not say what
    // each says alone.
    const together = computeType !== "int8";
    const size =
      device.provider === "cpu" ? createRunSize({ section, places: AUDIO_PLACES, computeType, threads }) : anySize;
    return {
      // A row that came later would share no run with those that speak.
      ...{ computeType, hear, refills: false, rowsPerHearing: 1 },
      open: (_rows, giveWay) =>
        createPublishedRows({ decoder, words, section, alignmentHeads, together, size, giveWay, hear }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
