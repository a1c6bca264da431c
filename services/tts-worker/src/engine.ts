/** The engine process of a tts-worker. Only `load` imports ONNX Runtime: the main thread that guards it stays small. */
import { runEngine } from "@parlance/inference/run-engine";

runEngine({
  async load(options, log) {
    const { loadEngine } = await import("./load-engine.ts");
    return await loadEngine(options, log);
  },
});
