/** What `bench:jobs` makes of its rounds, and what it holds the pipeline to. Pure. */
import { quantile, round } from "../measure/statistics.ts";

/** Through the model that costs nothing, through `parlance-en`, and what stands beside them. */
export const ways = ["drops", "rest", "drops_embedded", "rest_embedded", "bullmq", "nats_alone"] as const;
export type Way = (typeof ways)[number];

export interface Run {
  /** Items in a second, from the first one that is sent to the end of the last one. */
  perSecond: number;
  /** Milliseconds of processor time for an item, by part: `engine`, `client`, and the services. */
  cpu: Readonly<Record<string, number>>;
  /** Messages that were stored on the disk for an item, by stream. */
  writes: Readonly<Record<string, number>>;
}

/** Of a way that was not measured there are no runs. */
export type Measured = Readonly<Record<Way, readonly Run[]>>;

/** Medians of the rounds; null where there were none. */
export interface Figures {
  drops_per_s: number | null;
  rest_per_s: number | null;
  drops_per_s_embedded: number | null;
  rest_per_s_embedded: number | null;
  bullmq_per_s: number | null;
  nats_alone_per_s: number | null;
  /** Of the services and nats-server, with the model that costs nothing: without its engine and without who sends. */
  cpu_ms_per_drop: number | null;
  cpu_ms_per_rest_item: number | null;
  durable_writes_per_drop: number | null;
}

export const AIMS = { cpu_ms_per_drop: 3, durable_writes_per_drop: 3 };

export const ENGINE = "engine";
export const CLIENT = "client";

export function figuresOf(measured: Measured): Figures {
  const median = (way: Way, of: (run: Run) => number, digits: number) =>
    measured[way].length === 0 ? null : round(quantile(measured[way].map(of), 0.5), digits);
  const speed = (way: Way) => median(way, ({ perSecond }) => perSecond, 0);
  return {
    drops_per_s: speed("drops"),
    rest_per_s: speed("rest"),
    drops_per_s_embedded: speed("drops_embedded"),
    rest_per_s_embedded: speed("rest_embedded"),
    bullmq_per_s: speed("bullmq"),
    nats_alone_per_s: speed("nats_alone"),
    cpu_ms_per_drop: median("drops", cpuOfServices, 2),
    cpu_ms_per_rest_item: median("rest", cpuOfServices, 2),
    durable_writes_per_drop: median("drops", writesOf, 2),
  };
}

/** Milliseconds for an item, besides its engine and who sends it. */
export function cpuOfServices({ cpu }: Run): number {
  return sum(Object.entries(cpu).flatMap(([part, ms]) => (part === ENGINE || part === CLIENT ? [] : [ms])));
}

export function writesOf({ writes }: Run): number {
  return sum(Object.values(writes));
}

/** Sentences, and whether each holds. What was not measured is not claimed. */
export function claimsOf(figures: Figures): Record<string, boolean> {
  const { drops_per_s, bullmq_per_s, cpu_ms_per_drop, durable_writes_per_drop } = figures;
  const claims: Record<string, boolean> = {
    [`a drop costs at most ${AIMS.cpu_ms_per_drop} ms of processor time besides its engine`]:
      cpu_ms_per_drop !== null && cpu_ms_per_drop <= AIMS.cpu_ms_per_drop,
    [`a drop of one segment is stored in at most ${AIMS.durable_writes_per_drop} durable writes`]:
      durable_writes_per_drop !== null && durable_writes_per_drop <= AIMS.durable_writes_per_drop,
  };
  if (bullmq_per_s === null) return claims;
  return {
    "as many drops end in a second, each parsed, cut, run and folded, as BullMQ ends jobs that do nothing":
      drops_per_s !== null && drops_per_s >= bullmq_per_s,
    ...claims,
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
