/** Seeds: what a model that samples draws its chances from. The same text, voice and seed are the same sound. */
import { createHash } from "node:crypto";
import * as z from "zod";

/** 32 bits. */
export const MAX_SEED = 2 ** 32 - 1;
export const seedSchema = z.number().int().min(0).max(MAX_SEED);

/** Of an item whose sender names none: another one for each item, and the same whoever works it out, and how often. */
export function seedOf(batchId: string, itemId: string): number {
  return createHash("sha256").update(`${batchId}.${itemId}`).digest().readUInt32BE(0);
}
