/**
 * How likely somebody speaks, window by window, for many sessions in one run: their memories are stacked, and each row's result is what it would be
 * alone. A run blocks its thread for 0.2 ms, with sixteen rows for one.
 */
import { SAMPLE_RATE } from "@parlance/contracts";
import { freeTensors } from "@parlance/inference/free";
import { createSession } from "@parlance/inference/session";
import { float32Output } from "@parlance/inference/tensors";
import { WINDOW } from "./hearing-blocks.ts";
import { findVoiceActivityModel, type VoiceActivityModel } from "./voice-activity-model.ts";

/** What the model knows of what was heard before; it moves on with each window. */
export interface HearingMemory {
  /** [2, 128] */
  state: Float32Array;
  /** The last samples of the window before. */
  context: Float32Array;
}

export interface HearingRow {
  memory: HearingMemory;
  /** [512] samples in −1 … 1 at 16 kHz. */
  window: Float32Array;
}

export interface VoiceActivity {
  /** [rows] probabilities; at most MOST_ROWS. Throws a RangeError for a window of another length. */
  hear(rows: readonly HearingRow[]): Promise<Float32Array>;
  close(): Promise<void>;
}

/** More in one run gain no time. */
export const MOST_ROWS = 16;
const CONTEXT = 64;
/** What the graph reads of each row. Given a window without its context it runs, and hears nothing. */
const WIDTH = CONTEXT + WINDOW;
const LAYERS = 2;
const CELLS = 128;

export const freshMemory = (): HearingMemory => ({
  state: new Float32Array(LAYERS * CELLS),
  context: new Float32Array(CONTEXT),
});

/** Throws when the model or ONNX Runtime cannot be loaded, or the graph is not one of this shape. */
export async function createVoiceActivity(model?: VoiceActivityModel): Promise<VoiceActivity> {
  const { graph, tensors } = model ?? (await findVoiceActivityModel());
  const session = await createSession(graph, { device: { provider: "cpu", deviceId: 0 }, threads: 1 });
  checkInput(tensors.audio, WIDTH);
  checkInput(tensors.state, CELLS);

  function checkInput(name: string, width: number): void {
    const last = session.inputShape(name)?.at(-1);
    if (last === undefined || (typeof last === "number" && last > 0 && last !== width)) {
      throw new Error(`${graph}: its input ${name} is ${last ?? "missing"} wide: ${width} is needed`);
    }
  }

  const input = new Float32Array(MOST_ROWS * WIDTH);
  const states = new Float32Array(LAYERS * MOST_ROWS * CELLS);
  const rate = { type: "int64", data: BigInt64Array.of(BigInt(SAMPLE_RATE)), dims: [] } as const;

  return {
    async hear(rows) {
      const size = rows.length;
      for (const [row, { memory, window }] of rows.entries()) {
        if (window.length !== WINDOW) throw new RangeError(`a window has ${WINDOW} samples, not ${window.length}`);
        input.set(memory.context, row * WIDTH);
        input.set(window, row * WIDTH + CONTEXT);
        for (let layer = 0; layer < LAYERS; layer += 1) {
          states.set(memory.state.subarray(layer * CELLS, (layer + 1) * CELLS), (layer * size + row) * CELLS);
        }
      }
      const outputs = await session.run({
        [tensors.audio]: { type: "float32", data: input.subarray(0, size * WIDTH), dims: [size, WIDTH] },
        [tensors.state]: {
          type: "float32",
          data: states.subarray(0, LAYERS * size * CELLS),
          dims: [LAYERS, size, CELLS],
        },
        [tensors.sampleRate]: rate,
      });
      const probabilities = float32Output(outputs, tensors.probability).slice();
      const next = float32Output(outputs, tensors.nextState);
      if (probabilities.length !== size || next.length !== LAYERS * size * CELLS) {
        throw new Error(`${graph}: ${size} rows have ${probabilities.length} results`);
      }
      for (const [row, { memory, window }] of rows.entries()) {
        memory.context.set(window.subarray(WINDOW - CONTEXT));
        for (let layer = 0; layer < LAYERS; layer += 1) {
          const at = (layer * size + row) * CELLS;
          memory.state.set(next.subarray(at, at + CELLS), layer * CELLS);
        }
      }
      freeTensors(outputs);
      return probabilities;
    },
    close: () => session.close(),
  };
}
