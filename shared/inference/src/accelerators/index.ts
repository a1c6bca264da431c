/** Which accelerator a worker runs on, for supervisors: nothing here loads ONNX Runtime. */
export { type Accelerator, chooseAccelerator } from "./accelerator.ts";
export { type EachDeviceOptions, eachDevice } from "./each-device.ts";
export type { Memory } from "./free-memory.ts";
export { findGpus } from "./gpus.ts";
export { readMachineId } from "./machine.ts";
export { type Gpu, visibleGpus } from "./visible-gpus.ts";
