/** The steps by name; each runs in a process of its own. */
import { cudaProbe } from "@parlance/inference";
import { chooseAccelerator } from "@parlance/inference/accelerators";
import { round } from "../../bench/measure/statistics.ts";
import { type Order, speaking, type Tell } from "../order.ts";
import { embeddedModel } from "../programs.ts";
import { engine } from "./engine.ts";
import { facts } from "./facts.ts";
import { families } from "./families.ts";
import { graphs, openGraph } from "./graphs.ts";
import { talkerWays } from "./talker-ways.ts";
import { ways } from "./ways.ts";
import { writeStep } from "./write-models.ts";

export const steps: Record<string, (order: Order, tell: Tell) => Promise<void>> = {
  facts,
  probe,
  write: writeStep,
  engine,
  ways: (order, tell) => (speaking(order.model) ? talkerWays : ways)(order, tell),
  graphs,
  families,
  "open-graph": openGraph,
};

/** The three looks that every worker takes at the machine before it uses CUDA, and then its choice: by the GPU's UUID. */
async function probe({ device }: Order, tell: Tell): Promise<void> {
  const missing = cudaProbe.providerMissing() ?? cudaProbe.deviceMissing(0);
  tell({ missing: missing ?? null });
  if (device === "cpu") return await choose(device, tell);
  if (missing !== undefined) throw new Error(missing);
  try {
    await cudaProbe.tryGraph(0);
  } catch (error) {
    // The probe's own child is silent: whoever looks for the reason has it in this process.
    if (process.env.ORT_LOG_SEVERITY_LEVEL !== undefined) {
      await openGraph({ device, graph: `${embeddedModel("parlance-voice")}/encoder.onnx` });
    }
    throw error;
  }
  await choose(device, tell);
}

async function choose(device: Order["device"], tell: Tell): Promise<void> {
  const began = performance.now();
  const { id, name, engine: shown, memory } = await chooseAccelerator({ device, log: () => {} });
  const chosen = performance.now();
  const { freeBytes = 0, totalBytes = 0 } = (await memory()) ?? {};
  tell({ accelerator: id, device: name, visible: shown.environment, choice_s: round((chosen - began) / 1_000) });
  tell({
    memory_free_mb: Math.round(freeBytes / 1e6),
    memory_mb: Math.round(totalBytes / 1e6),
    memory_look_s: round((performance.now() - chosen) / 1_000),
  });
}
