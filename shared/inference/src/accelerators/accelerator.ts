/**
 * The accelerator that a worker runs on: chosen as `chooseDevice` does, known by an id that all who share it agree on, and with
 * what an engine is started with so that it runs there and nowhere else. Whichever way a GPU was named, its engine is shown
 * that GPU alone, by the UUID under which its lease is kept: the two cannot disagree.
 */
import { acceleratorIds, SpeechError } from "@parlance/contracts";
import { type CudaProbe, chooseDevice, type Device, showing } from "./device.ts";
import { type EachDeviceOptions, eachDevice } from "./each-device.ts";
import { type Memory, readGpuMemory, readMachineMemory, readTaken } from "./free-memory.ts";
import { findGpus } from "./gpus.ts";
import { readMachineId } from "./machine.ts";
import { type Gpu, visibleGpus } from "./visible-gpus.ts";

export interface Accelerator extends Device {
  /** What its lease is kept under (`acceleratorIds`). */
  id: string;
  engine: {
    /** Of the devices that it is shown. */
    device: string;
    /** More than its supervisor's own. */
    environment: Readonly<Record<string, string>>;
  };
  /** What it has; undefined where it does not tell. */
  memory(): Promise<Memory | undefined>;
  /** What a process has of it, where that is told by the process: a GPU's driver counts those of other containers alike. */
  takenBy?: (pid: number) => Promise<number | undefined>;
}

export interface ChooseAcceleratorOptions {
  /** As `chooseDevice` takes it; of a setting that means several, `eachDevice` says which. */
  device: string;
  /** LEASE_MACHINE_ID. Default: what the machine says. */
  machineId?: string | undefined;
  environment?: Readonly<Record<string, string | undefined>>;
  log: (message: string, fields?: Record<string, unknown>) => void;
  probe?: CudaProbe;
  gpus?: () => Promise<Gpu[]>;
}

/** Throws what `chooseDevice` throws, and where there are GPUs but not as many as it would take. */
export async function chooseAccelerator(options: ChooseAcceleratorOptions): Promise<Accelerator> {
  const { environment = process.env, log, probe, gpus = findGpus } = options;
  const device = await onlyDevice(options.device, { environment, gpus });
  const machineId = options.machineId ?? (await readMachineId());
  const found = device === "cpu" ? [] : await gpus();
  const visible = visibleGpus(found, environment.CUDA_VISIBLE_DEVICES);
  const place = Number(/^cuda:(\d+)$/.exec(device)?.[1] ?? 0);
  if (found.length > 0 && place > 0 && visible[place] === undefined) {
    const message = `device ${device} cannot be used: there are ${visible.length} GPUs here, counted from cuda:0 on`;
    throw new SpeechError("validation_failed", message, { param: "ASR_DEVICE" });
  }
  const shown = environment.CUDA_VISIBLE_DEVICES?.split(",")[place]?.trim() ?? String(place);
  const uuid = visible[place] ?? (found.length === 0 && wholeUuid.test(shown) ? shown : undefined);
  const chosen = await chooseDevice({ device, log, ...(probe && { probe }), ...(uuid !== undefined && { gpu: uuid }) });
  if (chosen.provider === "cpu") {
    const engine = { device: "cpu", environment: {} };
    return {
      ...chosen,
      id: acceleratorIds.cpu(machineId),
      engine,
      memory: () => readMachineMemory(),
      takenBy: (pid) => readTaken(pid),
    };
  }
  if (uuid === undefined) {
    const id = acceleratorIds.unnamedGpu(shown, machineId);
    return { ...chosen, id, engine: { device: chosen.name, environment: {} }, memory: async () => undefined };
  }
  const reason = isMixed(found) ? `${chosen.reason}; ${COUNTED}` : chosen.reason;
  return {
    ...chosen,
    reason,
    id: acceleratorIds.gpu(uuid),
    engine: { device: "cuda:0", environment: showing(uuid) },
    memory: () => readGpuMemory(uuid),
  };
}

async function onlyDevice(setting: string, look: EachDeviceOptions): Promise<string> {
  const [device = setting, ...more] = await eachDevice(setting, look);
  if (more.length === 0) return device;
  const several = [device, ...more].join(", ");
  const message = `device ${setting} means ${several}, and a worker runs on one: npm start begins one for each of them`;
  throw new SpeechError("validation_failed", message, { param: "ASR_DEVICE" });
}

const wholeUuid = /^(GPU|MIG)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whoever knows CUDA's own order, which begins with the fastest, would expect another. */
const COUNTED = "GPUs of several kinds are counted by their place on the PCI bus, as nvidia-smi does";

function isMixed(gpus: readonly Gpu[]): boolean {
  return new Set(gpus.map(({ name }) => name)).size > 1;
}
