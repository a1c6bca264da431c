/** Reads what the recipe has written of the official implementation's answers. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { makeClip } from "@parlance/audio/testing/clips";
import { sampledSchema } from "@parlance/inference/testing";
import * as z from "zod";

const goldenSchema = z.object({
  clips: z.record(z.string(), z.tuple([z.string(), z.number(), z.number()])),
  /** Sums of absolute samples: that both make the same clips. */
  checks: z.record(z.string(), z.number()),
  rows: z.array(
    z.object({
      clip: z.string(),
      context: z.string(),
      language: z.string().nullable(),
      budget: z.number(),
      prompt: z.array(z.number()),
      /** With the end token. */
      tokens: z.array(z.number()),
      truncated: z.boolean(),
      raw: z.string(),
      answer: z.tuple([z.string(), z.string()]),
      features: sampledSchema.optional(),
      embeddings: sampledSchema.optional(),
    }),
  ),
  weights: z.array(
    z.object({
      clip: z.string(),
      language: z.string(),
      phrases: z.array(z.string()),
      /** Log of each phrase's probability among those of its list. */
      scores: z.array(z.number()),
    }),
  ),
  alignments: z.array(
    z.object({
      clip: z.string(),
      text: z.string(),
      language: z.string(),
      words: z.array(z.tuple([z.string(), z.number(), z.number()])),
    }),
  ),
});
export type Golden = z.infer<typeof goldenSchema>;
export type GoldenRow = Golden["rows"][number];

export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

export function readFixture(name: string): unknown {
  return JSON.parse(gunzipSync(readFileSync(fixturePath(name))).toString("utf8"));
}

export function readGolden(): Golden {
  return goldenSchema.parse(readFixture("golden.json.gz"));
}

export function goldenClips({ clips }: Golden): Map<string, Int16Array> {
  return new Map(Object.entries(clips).map(([name, what]) => [name, makeClip(...what)]));
}
