/** The recipe's small models, opened for tests: their parts, and what their rows say. */
import { makeClip } from "@parlance/audio/testing/clips";
import { languageSchema } from "@parlance/contracts";
import { readManifest } from "@parlance/model-store";
import { speechText } from "../../testing/specimens.ts";
import type { SpeechText, VoiceReference } from "../../types.ts";
import { loadParts } from "../load-parts.ts";
import type { ModelParts } from "../model-parts.ts";
import { type PreparedRow, prepareRow } from "../prepared-row.ts";
import type { Sampling } from "../sampling/sampling.ts";
import type { Talker, TalkingRow } from "../talker/talker.ts";
import { fixturePath, type Golden, type GoldenRow, type Kind } from "./golden.ts";

export const noWay = async () => {};

export interface SmallParts extends ModelParts {
  prepare(row: GoldenRow): Promise<PreparedRow>;
}

export async function openSmallParts(
  kind: Kind,
  golden: Golden,
  { sampling = {}, talker = "talker" }: { sampling?: Partial<Sampling>; talker?: "talker" | "loop" } = {},
): Promise<SmallParts> {
  const folder = fixturePath(kind);
  const manifest = await readManifest(folder);
  if (manifest === undefined) throw new Error(`there is no manifest in ${folder}`);
  const section = {
    ...Object(manifest["qwen3-tts"]),
    sampling: { repetitionPenalty: golden.repetitionPenalty, ...sampling },
  };
  const options = { modelId: folder, device: "cpu", computeType: "float32", threads: 1, log: () => {} } as const;
  const parts = await loadParts({
    ...{ folder, options, manifest: { ...manifest, "qwen3-tts": section } },
    device: { provider: "cpu", deviceId: 0 },
    looped: talker === "loop",
  });
  return {
    ...parts,
    async prepare(row) {
      const layout = row.whole ? "text_first" : "text_beside";
      const prepared = await prepareRow(parts, manifest, textOf(row, golden), noWay, layout);
      if ("code" in prepared) throw new Error(prepared.message);
      return prepared;
    },
  };
}

function textOf(row: GoldenRow, golden: Golden): SpeechText {
  return speechText(row.text, {
    language: languageSchema.parse(row.language),
    voice: row.speaker ?? undefined,
    instructions: row.instructions,
    reference:
      row.reference === undefined ? undefined : referenceOf(golden, row.reference, row.referenceText ?? undefined),
    seed: row.seed,
  });
}

export function referenceOf({ references }: Golden, name: string, text: string | undefined): VoiceReference {
  const clip = references[name]?.clip;
  if (clip === undefined) throw new RangeError(`there is no reference ${name}`);
  return { id: name, samples: makeClip(...clip), sampleRate: 24_000, text };
}

export interface Talked {
  codes: number[][];
  ended: boolean;
}

/** What rows say together, of at most so many frames each. */
export async function talkAll(
  talker: Talker,
  rows: readonly Omit<TalkingRow, "row" | "budget">[],
  frames: number,
): Promise<Talked[]> {
  const waiting = rows.map((row, at): TalkingRow => ({ ...row, row: at, budget: frames }));
  const answers: Talked[] = rows.map(() => ({ codes: [], ended: false }));
  const over = new Set<number>();
  await talker.talk({
    take: async (places) => waiting.splice(0, places),
    isOpen: (row) => !over.has(row),
    hear: async (row, frame) => (answers[row]?.codes.push([...frame]) ?? frames) < frames,
    async end(row, itself) {
      over.add(row);
      answers[row] = { codes: answers[row]?.codes ?? [], ended: itself };
    },
    giveWay: noWay,
  });
  return answers;
}
