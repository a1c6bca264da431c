/** Reads what models/recipes/qwen3-tts has written of the official implementation's answers. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { sampledSchema } from "@parlance/inference/testing";
import * as z from "zod";

const framesSchema = z.array(z.array(z.number()));

const goldenSchema = z.object({
  /** Frames after which a row was stopped. */
  frames: z.number(),
  /** Of the rows that are drawn, all codes alike. */
  sampling: z.object({ temperature: z.number(), top_k: z.number() }),
  repetitionPenalty: z.number(),
  rows: z.array(
    z.object({
      text: z.string(),
      language: z.string(),
      speaker: z.string().nullish(),
      instructions: z.string(),
      /** Of the two layouts the one with the text in front. */
      whole: z.boolean(),
      reference: z.string().optional(),
      referenceText: z.string().nullish(),
      prompt: sampledSchema,
      trailing: sampledSchema,
      /** Of the likeliest codes. */
      codes: framesSchema,
      ended: z.boolean(),
      /** Of those that are drawn by the seed. */
      seed: z.number(),
      drawn: framesSchema,
      drawnEnded: z.boolean(),
    }),
  ),
  sounds: z.array(z.object({ codes: framesSchema, samples: sampledSchema })),
  references: z
    .record(
      z.string(),
      z.object({
        clip: z.tuple([z.string(), z.number(), z.number()]),
        /** Sum of absolute samples: that both make the same clip. */
        check: z.number(),
        codes: framesSchema,
        embedding: z.array(z.number()),
      }),
    )
    .default({}),
});
export type Golden = z.infer<typeof goldenSchema>;
export type GoldenRow = Golden["rows"][number];

export const kinds = ["custom-voice", "voice-design", "base"] as const;
export type Kind = (typeof kinds)[number];

export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

export function readGolden(kind: Kind): Golden {
  const bytes = gunzipSync(readFileSync(fixturePath(`${kind}.json.gz`)));
  return goldenSchema.parse(JSON.parse(bytes.toString("utf8")));
}
