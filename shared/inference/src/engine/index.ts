/**
 * The engine: a child process that owns the model, and can be killed. This is the supervisor's side (engine-process.ts), where
 * nothing loads ONNX Runtime. The child's own side is run-engine.ts, whose second thread runs the passes (engine-passes.ts). Between
 * them goes engine-protocol.ts.
 */
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
