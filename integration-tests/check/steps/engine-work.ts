/** What the engine of a model is asked to do: recordings to hear, or texts to say whose sound is read while it is made. */
import { SAMPLE_RATE } from "@parlance/contracts";
import type { EngineJob, EngineOutcome } from "@parlance/inference/engine";
import { exactSamples } from "../../src/clips.ts";
import { type Order, sizes, speaking } from "../order.ts";
import { programUrl } from "../programs.ts";

export interface EngineWork {
  /** The worker's program that owns the model. */
  entry: URL;
  jobs(count: number): EngineJob[];
  /** Seconds of sound that a pass has heard or said. */
  soundOf(outcomes: readonly EngineOutcome[]): number;
}

export async function createEngineWork({ device, model }: Order): Promise<EngineWork> {
  return speaking(model) ? createTexts() : await createRecordings(sizes[device].seconds);
}

async function createRecordings(seconds: number): Promise<EngineWork> {
  const speech = await exactSamples(seconds);
  const meta = { language: "English", timestamps: false, hotwords: [], phrases: [], context: "" };
  return {
    entry: programUrl("engine"),
    jobs: (count) =>
      Array.from({ length: count }, (_, row) => {
        // The same speech, turned by a different part for each row, so that no two are alike.
        const turned = new Int16Array(speech.length);
        const at = (row * SAMPLE_RATE) % speech.length;
        turned.set(speech.subarray(at));
        turned.set(speech.subarray(0, at), speech.length - at);
        return { meta, payload: new Uint8Array(turned.buffer) };
      }),
    soundOf: ({ length }) => length * seconds,
  };
}

const BYTES_PER_SECOND = 24_000 * 2;

function createTexts(): EngineWork {
  const asked = { operation: "custom_voice", language: "English", instructions: "", speed: 1 };
  return {
    entry: programUrl("speech-engine"),
    jobs: (count) =>
      Array.from({ length: count }, (_, row) => ({
        meta: { ...asked, text: "The ship came late again. ".repeat(1 + (row % 4)), seed: row + 1 },
        payload: new Uint8Array(),
        readsParts: true,
      })),
    soundOf: (outcomes) =>
      outcomes.reduce((sum, outcome) => sum + (outcome.ok ? (outcome.payload?.byteLength ?? 0) : 0), 0) /
      BYTES_PER_SECOND,
  };
}
