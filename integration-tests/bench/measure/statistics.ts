/** Medians with their spread: what a benchmark may say. */

export interface Spread {
  median: number;
  minimum: number;
  maximum: number;
}

/** The q-quantile (0 to 1) by linear interpolation. Throws on an empty list. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const low = sorted[Math.floor(position)];
  const high = sorted[Math.ceil(position)];
  if (low === undefined || high === undefined) throw new Error("no values to summarise");
  return low + (high - low) * (position - Math.floor(position));
}

export function spread(values: readonly number[]): Spread {
  return { median: quantile(values, 0.5), minimum: Math.min(...values), maximum: Math.max(...values) };
}

export function round(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}

export function show({ median, minimum, maximum }: Spread, digits = 2): string {
  return `${median.toFixed(digits)} (${minimum.toFixed(digits)} to ${maximum.toFixed(digits)})`;
}
