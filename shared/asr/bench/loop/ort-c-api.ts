/**
 * ONNX Runtime's C API, called through koffi in the very library that onnxruntime-node ships. Tensors of its sessions
 * stay on the device from one run to the next, and it takes CUDA options: the Node binding has neither.
 *
 * A prototype for the bench and not for the product: signatures are kept by hand, a wrong one ends the process, and whoever keeps
 * a tensor must release it. The table of functions only ever grows at its end, so places stay true in later versions.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { TensorData } from "@parlance/inference";
import koffi from "koffi";

/** Address of something that belongs to ONNX Runtime. */
type Address = bigint;

/** Place in the table, result and parameters; `$` is the name. */
const signatures = {
  GetErrorMessage: [2, "const char* $(void* status)"],
  CreateEnv: [3, "void* $(int level, const char* name, _Out_ void** out)"],
  CreateSession: [7, "void* $(void* env, const char* path, void* options, _Out_ void** out)"],
  CreateSessionOptions: [10, "void* $(_Out_ void** out)"],
  SetSessionGraphOptimizationLevel: [23, "void* $(void* options, int level)"],
  SetIntraOpNumThreads: [24, "void* $(void* options, int count)"],
  CreateRunOptions: [39, "void* $(_Out_ void** out)"],
  CreateTensorAsOrtValue: [
    48,
    "void* $(void* allocator, const int64_t* dims, size_t count, int type, _Out_ void** out)",
  ],
  GetTensorMutableData: [51, "void* $(void* value, _Out_ void** out)"],
  GetTensorElementType: [60, "void* $(void* info, _Out_ int* out)"],
  GetTensorShapeElementCount: [64, "void* $(void* info, _Out_ size_t* out)"],
  GetTensorTypeAndShape: [65, "void* $(void* value, _Out_ void** out)"],
  CreateMemoryInfo: [68, "void* $(const char* name, int allocator, int device, int type, _Out_ void** out)"],
  AllocatorFree: [76, "void* $(void* allocator, void* memory)"],
  GetAllocatorWithDefaultOptions: [78, "void* $(_Out_ void** out)"],
  ReleaseEnv: [92, "void $(void* it)"],
  ReleaseStatus: [93, "void $(void* it)"],
  ReleaseMemoryInfo: [94, "void $(void* it)"],
  ReleaseSession: [95, "void $(void* it)"],
  ReleaseValue: [96, "void $(void* it)"],
  ReleaseRunOptions: [97, "void $(void* it)"],
  ReleaseTensorTypeAndShapeInfo: [99, "void $(void* it)"],
  ReleaseSessionOptions: [100, "void $(void* it)"],
  AddSessionConfigEntry: [130, "void* $(void* options, const char* key, const char* value)"],
  RunWithBinding: [133, "void* $(void* session, void* options, void* binding)"],
  CreateIoBinding: [134, "void* $(void* session, _Out_ void** out)"],
  ReleaseIoBinding: [135, "void $(void* it)"],
  BindInput: [136, "void* $(void* binding, const char* name, void* value)"],
  BindOutputToDevice: [138, "void* $(void* binding, const char* name, void* info)"],
  GetBoundOutputValues: [140, "void* $(void* binding, void* allocator, _Out_ void** out, _Out_ size_t* count)"],
  ClearBoundInputs: [141, "void $(void* binding)"],
  ClearBoundOutputs: [142, "void $(void* binding)"],
  AppendCudaProvider: [204, "void* $(void* options, void* cuda)"],
  CreateCudaOptions: [205, "void* $(_Out_ void** out)"],
  UpdateCudaOptions: [206, "void* $(void* cuda, const char** keys, const char** values, size_t count)"],
  ReleaseCudaOptions: [208, "void $(void* it)"],
} as const;
type Name = keyof typeof signatures;

const TABLE_LENGTH = 209;
const API_VERSION = 23;
const WARNING = 2;
const ALL_OPTIMISATIONS = 99;
/** OrtAllocatorType and OrtMemType of memory that a device's own allocator hands out. */
const DEVICE_ALLOCATOR = 0;
const DEFAULT_MEMORY = 0;

const elementTypes = { float32: 1, int32: 6, int64: 7, bool: 9, float16: 10 } as const;

export interface Api {
  call(name: Name, ...args: readonly unknown[]): void;
  /** Calls a function whose last parameter is where its answer goes. */
  make(name: Name, ...args: readonly unknown[]): Address;
  release(name: Name & `Release${string}`, it: Address): void;
  count(name: Name, ...args: readonly unknown[]): number;
}

export function loadApi(): Api {
  const root = dirname(
    createRequire(import.meta.resolve("@parlance/inference")).resolve("onnxruntime-node/package.json"),
  );
  const library = koffi.load(join(root, "bin", "napi-v6", process.platform, process.arch, libraryName()));
  const [getApi] = koffi.decode(library.func("void* OrtGetApiBase()")(), koffi.array("void*", 2)) as Address[];
  const table = koffi.decode(
    koffi.call(getApi, koffi.proto("void* GetApi(uint32_t version)"), API_VERSION),
    koffi.array("void*", TABLE_LENGTH),
  ) as Address[];
  const functions = new Map(
    Object.entries(signatures).map(([name, [place, signature]]) => {
      const call = koffi.decode(table[place], koffi.proto(signature.replace("$", `Ort${name}`)));
      return [name, call as (...args: readonly unknown[]) => unknown];
    }),
  );
  const raw = (name: Name, ...args: readonly unknown[]): unknown => {
    const it = functions.get(name);
    if (it === undefined) throw new RangeError(`no function ${name}`);
    return it(...args);
  };
  const call: Api["call"] = (name, ...args) => {
    const status = raw(name, ...args);
    if (status === null || status === undefined || status === 0n) return;
    const message = String(raw("GetErrorMessage", status));
    raw("ReleaseStatus", status);
    throw new Error(`${name}: ${message}`);
  };
  return {
    call,
    make(name, ...args) {
      const out: [Address] = [0n];
      call(name, ...args, out);
      return out[0];
    },
    count(name, ...args) {
      const out: [number | bigint] = [0];
      call(name, ...args, out);
      return Number(out[0]);
    },
    release: (name, it) => void raw(name, it),
  };
}

function libraryName(): string {
  if (process.platform !== "linux") throw new Error("the C API is tried on Linux only");
  return "libonnxruntime.so.1";
}

/** A tensor that stays where it is; it is the caller's to release. */
export interface Kept {
  value: Address;
}

export interface CApiSession {
  /** Outputs of `host` are copied out, those of `kept` stay on the device. Blocks, as the Node binding's run does. */
  run(
    inputs: Readonly<Record<string, TensorData | Kept>>,
    outputs: { host: readonly string[]; kept: readonly string[] },
  ): { host: Record<string, TensorData>; kept: Record<string, Kept> };
  release(kept: Kept): void;
  close(): void;
}

export interface CApiSessionOptions {
  device: { provider: "cpu" | "cuda"; deviceId: number };
  threads: number;
  /** Options of the CUDA provider by their names in ONNX Runtime. */
  cuda: Readonly<Record<string, string>>;
}

export function openCApiSession(api: Api, path: string, { device, threads, cuda }: CApiSessionOptions): CApiSession {
  const env = api.make("CreateEnv", WARNING, "parlance");
  const options = api.make("CreateSessionOptions");
  api.call("SetIntraOpNumThreads", options, threads);
  api.call("SetSessionGraphOptimizationLevel", options, ALL_OPTIMISATIONS);
  api.call("AddSessionConfigEntry", options, "session.intra_op.allow_spinning", "0");
  if (device.provider === "cuda") {
    const provider = api.make("CreateCudaOptions");
    const wanted = { device_id: String(device.deviceId), ...cuda };
    const [keys, values] = [Object.keys(wanted), Object.values(wanted)];
    api.call("UpdateCudaOptions", provider, keys, values, keys.length);
    api.call("AppendCudaProvider", options, provider);
    api.release("ReleaseCudaOptions", provider);
  }
  const session = api.make("CreateSession", env, path, options);
  const binding = api.make("CreateIoBinding", session);
  const runOptions = api.make("CreateRunOptions");
  const allocator = api.make("GetAllocatorWithDefaultOptions");
  const memory = (name: string, id: number) => api.make("CreateMemoryInfo", name, DEVICE_ALLOCATOR, id, DEFAULT_MEMORY);
  const host = memory("Cpu", 0);
  const kept = device.provider === "cuda" ? memory("Cuda", device.deviceId) : host;

  function copyIn({ type, data, dims }: TensorData): Address {
    const shape = BigInt64Array.from(dims, BigInt);
    const value = api.make("CreateTensorAsOrtValue", allocator, shape, dims.length, elementTypes[type]);
    if (data.byteLength > 0) {
      const target = new Uint8Array(koffi.view(api.make("GetTensorMutableData", value), data.byteLength));
      target.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    return value;
  }

  function copyOut(value: Address): TensorData {
    const info = api.make("GetTensorTypeAndShape", value);
    const length = api.count("GetTensorShapeElementCount", info);
    const type = api.count("GetTensorElementType", info);
    api.release("ReleaseTensorTypeAndShapeInfo", info);
    const bytes = (size: number) => koffi.view(api.make("GetTensorMutableData", value), length * size).slice(0);
    if (type === elementTypes.float32) return { type: "float32", data: new Float32Array(bytes(4)), dims: [length] };
    if (type === elementTypes.int32) return { type: "int32", data: new Int32Array(bytes(4)), dims: [length] };
    throw new TypeError(`an output of element type ${type} is not one that the bench reads`);
  }

  return {
    run(inputs, outputs) {
      const copied: Address[] = [];
      for (const [name, input] of Object.entries(inputs)) {
        if (!("value" in input)) copied.push(copyIn(input));
        api.call("BindInput", binding, name, "value" in input ? input.value : copied.at(-1));
      }
      for (const name of outputs.host) api.call("BindOutputToDevice", binding, name, host);
      for (const name of outputs.kept) api.call("BindOutputToDevice", binding, name, kept);
      api.call("RunWithBinding", session, runOptions, binding);
      const [list, count]: [[Address], [number | bigint]] = [[0n], [0]];
      api.call("GetBoundOutputValues", binding, allocator, list, count);
      const values = koffi.decode(list[0], koffi.array("void*", Number(count[0]))) as Address[];
      api.call("AllocatorFree", allocator, list[0]);
      for (const value of copied) api.release("ReleaseValue", value);
      const answer: ReturnType<CApiSession["run"]> = { host: {}, kept: {} };
      for (const [place, value] of values.entries()) {
        const name = outputs.host[place];
        if (name !== undefined) {
          answer.host[name] = copyOut(value);
          api.release("ReleaseValue", value);
        } else answer.kept[outputs.kept[place - outputs.host.length] ?? ""] = { value };
      }
      return answer;
    },
    release: ({ value }) => api.release("ReleaseValue", value),
    close() {
      api.release("ReleaseIoBinding", binding);
      api.release("ReleaseSession", session);
      api.release("ReleaseRunOptions", runOptions);
      api.release("ReleaseSessionOptions", options);
      for (const info of new Set([host, kept])) api.release("ReleaseMemoryInfo", info);
      api.release("ReleaseEnv", env);
    },
  };
}
