/**
 * What `bench:tts-engines` holds Parlance to, beside the official package in whichever of its number formats is faster: the aims of the
 * batches that have one, and that it is ahead at every other. Pure.
 */
import type { Spread } from "../measure/statistics.ts";
import { OWN } from "./engine-table.ts";

export interface Measured {
  model: string;
  engine: string;
  batch: number;
  /** Seconds of sound per second. */
  speed: Spread;
  /** Seconds. */
  firstSound: Spread;
  loadSeconds: number;
  /** Bytes. */
  memory: number;
  runs: number;
}

export interface Comparison {
  model: string;
  batch: number;
  peer: string;
  /** How many times as fast as the peer Parlance is, and how many times as soon its first sound is there. */
  ratio: number;
  sooner: number;
  /** Times as fast that it should be. */
  aim: number;
}

export const AIMS: Readonly<Record<number, number>> = { 1: 2, 16: 4 };

const PEER = "qwen-tts";

/** Parlance beside the faster of the official package's formats, by model and batch. */
export function comparisons(measured: readonly Measured[]): Comparison[] {
  return measured
    .filter(({ engine }) => engine === OWN)
    .flatMap((own) => {
      const { model, batch } = own;
      const [peer] = measured
        .filter((cell) => cell.engine.startsWith(PEER) && cell.model === model && cell.batch === batch)
        .toSorted((a, b) => b.speed.median - a.speed.median);
      if (peer === undefined) return [];
      const ratio = own.speed.median / peer.speed.median;
      const sooner = peer.firstSound.median / own.firstSound.median;
      return [{ model, batch, peer: peer.engine, ratio, sooner, aim: AIMS[batch] ?? 1 }];
    });
}

/** A sentence for each comparison in which Parlance is not ahead. */
export function brokenClaims(measured: readonly Measured[]): string[] {
  return comparisons(measured)
    .filter(({ ratio }) => !(ratio > 1))
    .map((each) => `${sentence(each)}: not ahead`);
}

/** A sentence for each aim that was missed. */
export function missedAims(measured: readonly Measured[]): string[] {
  return comparisons(measured)
    .filter(({ batch, ratio, aim }) => batch in AIMS && !(ratio >= aim))
    .map((each) => `${sentence(each)}, where ${each.aim} is aimed at`);
}

function sentence({ model, batch, peer, ratio }: Comparison): string {
  return `${model}, batch ${batch}: ${ratio.toFixed(2)} times the speed of ${peer}`;
}
