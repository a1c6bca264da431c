/** What share of the machine's limit an engine reaches: the time that a frame would take if nothing but its limit counted. Pure. */
import { CODEC_PRODUCTS, type FrameCost } from "./model-size.ts";

export interface MachineLimits {
  /** Bytes that all threads together read of memory in a second. */
  bytesPerSecond: number;
  /** Products of eight-bit numbers in a second, and of float32. */
  smallProductsPerSecond: number;
  floatProductsPerSecond: number;
}

export interface Work {
  cost: FrameCost;
  bytesPerWeight: number;
  batch: number;
  /** Whether talker and predictor multiply numbers of eight bits. */
  eightBits: boolean;
}

/** Seconds of one frame of all rows, by each limit. */
export interface LeastTime {
  reading: number;
  /** Of the talker and the predictor. */
  products: number;
  codec: number;
  /** What none can go below: the slower of reading and multiplying, and then the codec. */
  least: number;
}

export function leastTime(work: Work, limits: MachineLimits): LeastTime {
  const { cost, bytesPerWeight, batch, eightBits } = work;
  const reading = (cost.weights * bytesPerWeight) / limits.bytesPerSecond;
  const speed = eightBits ? limits.smallProductsPerSecond : limits.floatProductsPerSecond;
  const products = (batch * cost.products) / speed;
  const codec = (batch * CODEC_PRODUCTS) / limits.floatProductsPerSecond;
  return { reading, products, codec, least: Math.max(reading, products) + codec };
}
