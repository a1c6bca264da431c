/**
 * What a service is to the process that runs it, alone or beside others: its settings come from the environment that it is given and
 * not from the process's own, and its log lines, its metrics and its end are its own.
 */
import type { Environment } from "@parlance/contracts";
import type { Log } from "./log.ts";
import type { Registry } from "./metrics.ts";

export interface Service {
  name: string;
  /** Read the settings inside of it: what is wrong with them is told as what keeps the service from starting. */
  start(context: ServiceContext): Promise<RunningService>;
}

export interface ServiceContext {
  /** What its settings are read from. */
  environment: Environment;
  log: Log;
  /** Aborts when the process is asked to stop: what waits during the start (for NATS, for a lock) ends with it. */
  signal: AbortSignal;
}

export interface RunningService {
  /** Ends what was started and resolves when everything that was taken is given back. */
  close(): Promise<void>;
  /** Served on METRICS_PORT, when that is set, and told to a parent process that asks. */
  registry?: Registry;
  /** Where the service can be reached, when it listens: told to a parent process that waits for it. */
  url?: string;
}

/** One of a process's services. */
export interface ServiceInstance {
  /** Tells it from others of the same service, such as `transcribe-worker-2`. */
  name: string;
  service: Service;
  environment: Environment;
}
