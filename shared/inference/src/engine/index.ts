/** The supervisor's side of the engine: nothing here loads ONNX Runtime. */
export * from "./engine-process.ts";
export {
  type EngineJob,
  type EngineOutcome,
  type EnginePart,
  type Json,
  monotonicNow,
  type Room,
} from "./engine-protocol.ts";
export { endLeftEngines } from "./left-engines.ts";
export * from "./whole-pass.ts";
