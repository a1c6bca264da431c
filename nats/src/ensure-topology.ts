/** Makes the server's streams and durables what the topology says: creates, updates, and refuses what cannot be changed. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  type ConsumerConfig,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  type StreamConfig,
} from "@nats-io/jetstream";
import { requireAgreement } from "@parlance/contracts";
import { errors, type NatsConnection } from "nats";
import { requireFloor } from "./server/version.ts";
import { NatsStartError } from "./start-error.ts";
import { type ConsumerSpec, type StreamSpec, type TopologySettings, topology } from "./topology.ts";

export interface EnsureOptions {
  settings: TopologySettings;
  /** What the server's disk can hold, where that is known. */
  storeBytes?: number | undefined;
  log?: { info(fields: object, message: string): void } | undefined;
}

export interface Ensured {
  version: string;
  /** 0 before server 2.11. */
  apiLevel: number;
  created: string[];
  updated: string[];
}

/** Idempotent, and safe to run by several at once. Throws a NatsStartError, or `validation_failed` where settings contradict each other. */
export async function ensureTopology(
  nc: NatsConnection,
  { settings, storeBytes, log }: EnsureOptions,
): Promise<Ensured> {
  requireAgreement(settings);
  const version = nc.info?.version ?? "0.0.0";
  requireFloor(version, `NATS at ${nc.getServer()}`);
  const apiLevel = nc.info?.api_lvl ?? 0;
  const wanted = topology(settings, storeBytes);
  const ensured: Ensured = { version, apiLevel, created: [], updated: [] };
  const note = (name: string, change: Change) => {
    if (change !== "none") ensured[change].push(name);
  };

  const jsm = await untilAvailable(() => jetStreamOf(nc));
  for (const spec of wanted.streams) note(spec.name, await untilAvailable(() => ensureStream(jsm, spec)));
  for (const { stream, config } of wanted.consumers) {
    const change = await untilAvailable(() => ensureConsumer(jsm, stream, config));
    note(`${stream}/${config.durable_name}`, change);
  }
  log?.info({ ...ensured }, "the NATS topology is in place");
  return ensured;
}

type Change = "none" | "created" | "updated";

async function jetStreamOf(nc: NatsConnection): Promise<JetStreamManager> {
  try {
    return await jetstreamManager(nc);
  } catch (error) {
    throw new NatsStartError(
      "no_jetstream",
      `NATS at ${nc.getServer()} runs without JetStream: start nats-server with -js, or with a jetstream block in its configuration.`,
      { cause: error },
    );
  }
}

const UNAVAILABLE_MS = 30_000;
const RETRY_MS = 250;
/** From nats-server's server/errors.json: JetStream is off for good, which is a 503 too. */
const NOT_ENABLED = [10039, 10076];
/** The leader of a cluster has not heard of as many nodes as a stream shall have replicas. */
const NO_SUITABLE_PEERS = 10005;

/**
 * A cluster that has just started answers late, or with 503, until its nodes have elected their leaders. The first leader may not have
 * heard of the last node yet.
 */
async function untilAvailable<T>(work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + UNAVAILABLE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isUnavailable(error) || Date.now() > deadline) throw error;
    }
    await sleep(RETRY_MS);
  }
}

function isUnavailable(error: unknown): boolean {
  if (error instanceof NatsStartError) return isUnavailable(error.cause);
  if (error instanceof errors.TimeoutError) return true;
  if (!(error instanceof JetStreamApiError)) return false;
  return error.code === NO_SUITABLE_PEERS || (error.status === 503 && !NOT_ENABLED.includes(error.code));
}

/** What the server fixes at a stream's creation, of what the topology sets. */
const fixedStreamFields: ReadonlySet<string> = new Set(["storage", "retention"]);
const fixedConsumerFields: ReadonlySet<string> = new Set(["ack_policy", "deliver_policy", "replay_policy"]);

async function ensureStream(jsm: JetStreamManager, spec: StreamSpec): Promise<Change> {
  const current = await existing(() => jsm.streams.info(spec.name), JetStreamApiCodes.StreamNotFound);
  if (!current) {
    await attempt(`Stream ${spec.name} cannot be created`, () => jsm.streams.add(spec));
    return "created";
  }
  const changes = differences(spec, current.config);
  if (changes.length === 0) return "none";
  refuseFixed(`Stream ${spec.name}`, changes, fixedStreamFields);
  const next: Partial<StreamConfig> = { ...current.config, ...spec };
  await attempt(`Stream ${spec.name} cannot be changed`, () => jsm.streams.update(spec.name, next));
  return "updated";
}

async function ensureConsumer(jsm: JetStreamManager, stream: string, spec: ConsumerSpec): Promise<Change> {
  const name = spec.durable_name;
  const current = await existing(() => jsm.consumers.info(stream, name), JetStreamApiCodes.ConsumerNotFound);
  if (!current) {
    await attempt(`Consumer ${name} of ${stream} cannot be created`, () => jsm.consumers.add(stream, spec));
    return "created";
  }
  const changes = differences(spec, current.config);
  if (changes.length === 0) return "none";
  refuseFixed(`Consumer ${name} of ${stream}`, changes, fixedConsumerFields);
  const next: Partial<ConsumerConfig> = { ...current.config, ...spec };
  await attempt(`Consumer ${name} of ${stream} cannot be changed`, () => jsm.consumers.update(stream, name, next));
  return "updated";
}

async function existing<T>(read: () => Promise<T>, missing: number): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === missing) return undefined;
    throw error;
  }
}

interface Difference {
  field: string;
  is: unknown;
  should: unknown;
}

/** Only what the topology says is compared: the server adds fields and defaults of its own. */
function differences(spec: object, current: object): Difference[] {
  const now = new Map<string, unknown>(Object.entries(current));
  return Object.entries(spec)
    .map(([field, should]) => ({ field, should, is: now.get(field) }))
    .filter(({ is, should }) => JSON.stringify(is ?? false) !== JSON.stringify(should));
}

function refuseFixed(what: string, changes: Difference[], fixed: ReadonlySet<string>): void {
  const change = changes.find(({ field }) => fixed.has(field));
  if (!change) return;
  throw new NatsStartError(
    "topology_conflict",
    `${what} has ${change.field} ${JSON.stringify(change.is)} and should have ${JSON.stringify(change.should)}, which NATS cannot change: move its messages away and delete it.`,
  );
}

/** From nats-server's server/errors.json. */
const INSUFFICIENT_STORAGE = 10047;

async function attempt(what: string, change: () => Promise<unknown>): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === INSUFFICIENT_STORAGE) {
      throw new NatsStartError(
        "store_full",
        `${what}: the server's store is too small for the byte limits; lower JOBS_MAX_BYTES, FILES_MAX_BYTES, INTAKE_MAX_BYTES or RESULTS_MAX_BYTES.`,
        { cause: error },
      );
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new NatsStartError("topology_conflict", `${what}: ${reason}.`, { cause: error });
  }
}
