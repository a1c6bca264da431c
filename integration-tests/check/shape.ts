/** What a model of true size is without its weights: graphs, and the rule of every tensor. models/recipes/true-size-shapes makes it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import * as z from "zod";

const count = z.number().int().nonnegative();

const ruleSchema = z.object({
  seed: count,
  /** Numbers are uniform in `centre` ± `width`. */
  width: z.number().nonnegative(),
  centre: z.number(),
  /** Ranges of numbers, by their place in the source, that are zero. */
  quiet: z.array(z.tuple([count, count])).default([]),
});
export type WeightRule = z.infer<typeof ruleSchema>;

const kindSchema = z.enum(["float32", "float16", "int8"]);
export type NumberKind = z.infer<typeof kindSchema>;

const tensorSchema = z
  .tuple([z.string(), kindSchema, z.array(count), count, count])
  .transform(([source, kind, dims, offset, first]) => ({ source, kind, dims, offset, first }));
/** `offset`: its first byte in the file; `first`: the source's number at which it begins. */
export type ShapeTensor = z.infer<typeof tensorSchema>;

const shapeSchema = z.object({
  manifest: z.looseObject({ name: z.string(), architecture: z.string() }),
  /** Words with the ids from the first number to before the second are made up. */
  tokenizer: z.object({
    json: z.looseObject({ model: z.looseObject({ vocab: z.record(z.string(), count) }) }),
    words: z.tuple([count, count]),
  }),
  /** By role; `data` is the weight file that the graph reads. */
  graphs: z.record(z.string(), z.object({ path: z.string(), data: z.string() })),
  weights: z.record(z.string(), z.array(tensorSchema)),
  /** By role: weight files that are one tensor and are read row by row, whatever the format. */
  tables: z.record(z.string(), z.string()).default({}),
  rules: z.record(z.string(), ruleSchema),
});
export type Shape = z.infer<typeof shapeSchema>;

export async function readShape(folder: string): Promise<Shape> {
  return shapeSchema.parse(JSON.parse((await unpacked(join(folder, "shape.json"))).toString()));
}

/** A file that lies there compressed. */
export async function unpacked(path: string): Promise<Buffer> {
  return gunzipSync(await readFile(`${path}.gz`));
}
