/**
 * GET /api/v1/gpu: who has which accelerator, who waits for it, and what swaps cost. Read from the lease bucket, which is what
 * counts, and asked of the workers, which know what they have loaded and how long that took.
 */
import type Router from "@koa/router";
import { askWorkers, type Bus, type KeyBucket } from "@parlance/bus";
import {
  familySchema,
  type GpuStatus,
  type LeaseValue,
  lanes,
  leaseEntries,
  type Wanted,
  type WorkerState,
} from "@parlance/contracts";
import type { GatewayContext } from "../gateway-context.ts";
import { keepFor } from "../http/keep-for.ts";

const FRESH_MS = 500;
const RECENT_SWAPS = 20;
/** The gateway's clock and the server's may differ. */
const SLACK_MS = 5_000;

/** Asked at most once at a time, for all who want to know. */
export function createGpuStatus(bus: Bus): () => Promise<GpuStatus> {
  return keepFor(FRESH_MS, async () => {
    const workers = await askWorkers(bus);
    const [leases, wanted] = await Promise.all([
      readKeys(bus.bucket(leaseEntries.holder), "*", workers),
      readKeys(bus.bucket(leaseEntries.wanted), "*.*", workers),
    ]);
    return foldGpuStatus(leases, wanted, workers);
  });
}

export function addGpu(router: Router, { bus }: GatewayContext): void {
  const status = createGpuStatus(bus);
  router.get("/api/v1/gpu", async (ctx) => {
    ctx.body = await status();
  });
}

/**
 * Keys that are gone or unreadable by the time they are read are left out, and so are those that a dead worker left behind: it
 * does not answer, and has not written its key again for as long as that counts.
 */
async function readKeys<T extends { holder: string; ttlMs?: number | undefined }>(
  bucket: KeyBucket<T | undefined>,
  filter: string,
  workers: readonly WorkerState[],
): Promise<Map<string, T>> {
  const keys = await bucket.keys(filter);
  const entries = await Promise.all(keys.map(async (key) => [key, await bucket.get(key)] as const));
  const found = new Map<string, T>();
  for (const [key, entry] of entries) {
    if (entry?.value === undefined) continue;
    const { value, time } = entry;
    const fresh = Date.now() - time < (value.ttlMs ?? Number.POSITIVE_INFINITY) + SLACK_MS;
    if (fresh || workers.some(({ worker }) => worker === value.holder)) found.set(key, value);
  }
  return found;
}

/** By accelerator: every one that a worker runs on or that somebody holds or waits for. */
export function foldGpuStatus(
  leases: ReadonlyMap<string, LeaseValue>,
  wanted: ReadonlyMap<string, Wanted>,
  workers: readonly WorkerState[],
): GpuStatus {
  const ids = new Set(workers.map(idOf));
  for (const key of [...leases.keys(), ...wanted.keys()]) ids.add(key.split(".")[0] ?? key);
  const devices = [...ids].map((id): Device => {
    const here = workers.filter((worker) => idOf(worker) === id);
    const lease = leases.get(id);
    const hosts = here.flatMap(({ host }) => host ?? []);
    return {
      device: here[0]?.device ?? id,
      accelerator: id,
      hosts: [...new Set(lease === undefined ? hosts : [lease.host, ...hosts])].sort(),
      holder: lease === undefined ? null : holderOf(lease, here),
      waiting: waitingFor(id, wanted),
      swaps: swapsOf(here),
    };
  });
  const place = ({ hosts, device, accelerator }: Device) => [hosts.join(), device, accelerator].join(" ");
  return { devices: devices.sort((a, b) => place(a).localeCompare(place(b), undefined, { numeric: true })) };
}

/** A worker of an older version says what its host calls it, and no more. */
function idOf({ accelerator, device }: WorkerState): string {
  return accelerator ?? device;
}

type Device = GpuStatus["devices"][number];

function holderOf(
  { holder, host, family, model, since }: LeaseValue,
  workers: readonly WorkerState[],
): Device["holder"] {
  const loaded = workers.find(({ worker }) => worker === holder)?.loaded ?? false;
  return { worker: holder, host, family, model, since: new Date(since).toISOString(), loaded };
}

function waitingFor(accelerator: string, wanted: ReadonlyMap<string, Wanted>): Device["waiting"] {
  const prefix = `${accelerator}.`;
  return [...wanted]
    .flatMap(([key, { holder, lane, since }]) => {
      const family = familySchema.safeParse(key.slice(prefix.length));
      if (!key.startsWith(prefix) || !family.success) return [];
      return [{ family: family.data, worker: holder, lane, since: new Date(since).toISOString() }];
    })
    .sort((a, b) => lanes.indexOf(a.lane) - lanes.indexOf(b.lane) || a.since.localeCompare(b.since));
}

function swapsOf(workers: readonly WorkerState[]): Device["swaps"] {
  const recent = workers
    .flatMap(({ family, model, swaps }) => (swaps?.recent ?? []).map((swap) => ({ model, ...swap, family })))
    .sort((a, b) => a.at - b.at)
    .slice(-RECENT_SWAPS);
  return {
    count: workers.reduce((sum, { swaps }) => sum + (swaps?.count ?? 0), 0),
    recent: recent.map((swap) => ({
      at: new Date(swap.at).toISOString(),
      until: swap.until === undefined ? null : new Date(swap.until).toISOString(),
      family: swap.family,
      model: swap.model,
      seconds: swap.seconds,
      start_seconds: swap.startSeconds,
      check_seconds: swap.checkSeconds,
      load_seconds: swap.loadSeconds,
      warm_up_seconds: swap.warmUpSeconds,
    })),
  };
}
