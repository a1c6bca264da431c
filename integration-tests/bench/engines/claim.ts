/**
 * What `bench:engines` holds Parlance to: ahead of every peer at the claim's batch, by the median of wall time. A run in which it is not
 * ends with an exit code that says so.
 */
import type { Spread } from "../measure/statistics.ts";
import type { ModelName } from "./engine-table.ts";

export interface Measured {
  model: ModelName;
  engine: string;
  beams: number;
  batch: number;
  /** Audio seconds per second. */
  speed: Spread;
  /** Audio seconds per second of processor time. */
  efficiency: Spread;
  runs: number;
  /** Bytes. */
  memory: number;
  loadSeconds: number;
}

export interface Comparison {
  model: ModelName;
  own: Measured;
  peer: Measured;
  /** How many times as fast Parlance is, by the clock and by processor time. */
  ratio: number;
  processorRatio: number;
  /** The ranges of the two do not meet. */
  apart: boolean;
}

export const CLAIM_BATCH = 16;

const OWN = "parlance";

/** Parlance beside each peer that searched in the same way, at one batch. */
export function comparisons(measured: readonly Measured[], batch: number): Comparison[] {
  const cells = measured.filter((cell) => cell.batch === batch);
  return cells.filter(isOwn).flatMap((own) =>
    cells
      .filter((cell) => !isOwn(cell) && cell.model === own.model && cell.beams === own.beams)
      .map((peer) => ({
        ...{ model: own.model, own, peer },
        ratio: own.speed.median / peer.speed.median,
        processorRatio: own.efficiency.median / peer.efficiency.median,
        apart: own.speed.minimum > peer.speed.maximum || own.speed.maximum < peer.speed.minimum,
      })),
  );
}

/** A sentence for each peer that Parlance is not ahead of. */
export function brokenClaims(measured: readonly Measured[]): string[] {
  return comparisons(measured, CLAIM_BATCH)
    .filter(({ ratio }) => !(ratio > 1))
    .map(
      ({ model, peer, ratio }) =>
        `${model}, batch ${CLAIM_BATCH}: parlance is not ahead of ${label(peer)} (${ratio.toFixed(2)} times its speed)`,
    );
}

export function isOwn({ engine }: { engine: string }): boolean {
  return engine.startsWith(OWN);
}

export function label({ engine, beams }: { engine: string; beams: number }): string {
  return beams > 1 ? `${engine}, beam ${beams}` : engine;
}
