/**
 * What services set up alike around `createWorker`: the settings that the supervisor follows, the device, who the worker is
 * among all others, and its metrics.
 */
import { hostname } from "node:os";
import type { Bus } from "@parlance/bus";
import { type SettingName, type Settings, SpeechError, toSpeechError } from "@parlance/contracts";
import { leaseSettings, yieldSettings } from "@parlance/gpu-lease";
import { type Accelerator, chooseAccelerator } from "@parlance/inference/accelerators";
import { type CudaFacts, detectCuda } from "@parlance/inference/cuda";
import { createRegistry, type Log, type Registry } from "@parlance/telemetry";
import type { ReadyModel } from "./model/ready-model.ts";
import { createWorkerMetrics } from "./worker-metrics.ts";
import type { Worker, WorkerOptions } from "./worker-options.ts";

export const workerSettings = [
  "BATCH_WAIT_MS",
  "IDLE_TIMEOUT",
  "PASS_TIMEOUT",
  "MAX_DELIVERIES",
  "LIVE_BATCH_SHARE",
  "LEASE_MACHINE_ID",
  ...leaseSettings,
] as const satisfies readonly SettingName[];

/** What a service that is a worker is made with. */
export interface WorkerServiceOptions<Name extends SettingName> {
  bus: Bus;
  settings: Settings<Name>;
  log: Log;
  /** Another engine than the service's own. */
  engineEntry?: URL;
}

export interface WorkerService extends Worker {
  registry: Registry;
}

export interface SetUpOptions {
  bus: Bus;
  /** Its name in dead letters, and the NATS user's. */
  service: string;
  /** As the setting says it: `auto`, `cpu`, `cuda`, `cuda:<n>`. */
  device: string;
  /** The name of that setting. */
  deviceSetting: "ASR_DEVICE" | "TTS_DEVICE";
  settings: Settings<(typeof workerSettings)[number]>;
  log: Log;
}

export interface WorkerSetUp {
  accelerator: Accelerator;
  cuda: CudaFacts & { available: boolean };
  registry: Registry;
  /** The part of `createWorker`'s options that is the same in every service. */
  common(
    model: Pick<ReadyModel, "name" | "maxBatchSize" | "weightBytes" | "abilities" | "fallback">,
  ): Pick<
    WorkerOptions,
    | "bus"
    | "service"
    | "id"
    | "model"
    | "abilities"
    | "fallback"
    | "weightBytes"
    | "accelerator"
    | "lease"
    | "settings"
    | "metrics"
    | "log"
  >;
}

const SECOND = 1_000;

/** Throws a SpeechError when a device was asked for that cannot be used. */
export async function setUpWorker(options: SetUpOptions): Promise<WorkerSetUp> {
  const { bus, service, device: asked, deviceSetting, settings, log } = options;
  const tell = (message: string, fields: Record<string, unknown> = {}) => log.debug(fields, message);
  const machineId = settings.LEASE_MACHINE_ID;
  const accelerator = await chooseAccelerator({ device: asked, machineId, log: tell }).catch((cause: unknown) => {
    const { code, message } = toSpeechError(cause);
    throw new SpeechError(code, `${deviceSetting}: ${message}`, { cause, param: deviceSetting });
  });
  const registry = createRegistry(service);
  const host = hostname();
  const id = `${host}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  return {
    accelerator,
    cuda: { available: accelerator.provider === "cuda", ...(await detectCuda()) },
    registry,
    common: ({ name, maxBatchSize, weightBytes, abilities, fallback }) => ({
      bus,
      service,
      id,
      model: name,
      abilities,
      fallback,
      weightBytes,
      accelerator: {
        id: accelerator.id,
        device: accelerator.name,
        environment: accelerator.engine.environment,
        memory: accelerator.memory,
        takenBy: accelerator.takenBy,
      },
      lease: { ttlMs: settings.LEASE_TTL * SECOND, host },
      settings: {
        maxBatchSize,
        batchWaitMs: settings.BATCH_WAIT_MS,
        idleMs: settings.IDLE_TIMEOUT * SECOND,
        passTimeoutMs: settings.PASS_TIMEOUT * SECOND,
        ...yieldSettings(settings),
        batchShare: settings.LIVE_BATCH_SHARE / 100,
        maxDeliveries: settings.MAX_DELIVERIES,
      },
      metrics: createWorkerMetrics(registry),
      log,
    }),
  };
}
