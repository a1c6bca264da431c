/** What `bench:status` makes of its answers, and what it holds them to. Pure. */
import { quantile, round } from "../measure/statistics.ts";

export interface Measured {
  /** Milliseconds of each answer about a batch that is finished. */
  done: readonly number[];
  /** The same, by a client that takes nothing compressed. */
  donePlain: readonly number[];
  /** The same while it runs, by what ran. */
  running: Readonly<Record<string, readonly number[]>>;
  /** Milliseconds of processor time for an answer about a batch that is finished, by part, what is used at rest taken off. */
  cpu: Readonly<Record<string, number>>;
  cpuPlain: Readonly<Record<string, number>>;
  /** Milliseconds from an item's end to the answer of who waited for it. Undefined where the gateway knows no waiting. */
  changed: readonly number[] | undefined;
}

export interface Figures {
  status_ms_p50: number;
  status_ms_p99: number;
  status_ms_p99_running: number;
  cpu_ms_per_status: number;
  status_ms_p99_plain: number;
  cpu_ms_per_status_plain: number;
  changed_event_ms_p50: number | null;
}

export const AIMS = { status_ms_p99: 10, status_ms_p99_running: 25, cpu_ms_per_status: 2 };

export function figuresOf({ done, donePlain, running, cpu, cpuPlain, changed }: Measured): Figures {
  const all = (parts: Measured["cpu"]) => Object.values(parts).reduce((sum, each) => sum + each, 0);
  return {
    status_ms_p50: round(quantile(done, 0.5), 1),
    status_ms_p99: round(quantile(done, 0.99), 1),
    status_ms_p99_running: round(quantile(Object.values(running).flat(), 0.99), 1),
    cpu_ms_per_status: round(all(cpu), 2),
    status_ms_p99_plain: round(quantile(donePlain, 0.99), 1),
    cpu_ms_per_status_plain: round(all(cpuPlain), 2),
    changed_event_ms_p50: changed === undefined ? null : round(quantile(changed, 0.5), 1),
  };
}

/** Sentences, and whether each holds. */
export function claimsOf(figures: Figures): Record<string, boolean> {
  const most = (name: keyof typeof AIMS) => figures[name] <= AIMS[name];
  return {
    [`99 of 100 statuses of a finished batch are there within ${AIMS.status_ms_p99} ms`]: most("status_ms_p99"),
    [`99 of 100 statuses of a batch that runs are there within ${AIMS.status_ms_p99_running} ms`]:
      most("status_ms_p99_running"),
    [`a status of a finished batch costs at most ${AIMS.cpu_ms_per_status} ms of processor time`]:
      most("cpu_ms_per_status"),
  };
}
