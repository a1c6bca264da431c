/** A model of true size, written on the spot. */
import { round } from "../../bench/measure/statistics.ts";
import { isModel, type Order, sizes, type Tell } from "../order.ts";
import { shapeFolder } from "../programs.ts";
import { writeModel } from "../write-model.ts";

export async function writeStep({ device, work, model }: Order, tell: Tell): Promise<void> {
  if (!isModel(model)) throw new Error(`there is no shape of ${model}`);
  const { formats, whisperTokens, talkers } = sizes[device];
  const nothing = { framesPerLetter: 1e-6, framesPerSyllable: 1e-6, framesPerFigure: 1e-6 };
  // No second attempts: random weights deserve none. The others' budgets are what they have beside that of a second, or a letter.
  const section = {
    "whisper-base": { maxTokens: whisperTokens, temperatures: [0], beamSize: 1 },
    "qwen3-asr-0.6b": { tokensPerSecond: 1e-6 },
    "qwen3-tts-0.6b": { allowance: { ...nothing, spareFrames: talkers.frames - 1 } },
  }[model];
  const { bytes } = await writeModel({
    shape: shapeFolder(model),
    folder: `${work}/${model}`,
    formats: formats[model],
    section,
  });
  tell({ written_mb: round(bytes / 1e6, 1), formats: formats[model] });
}
