/** A model of true size, written on the spot. */
import { round } from "../../bench/measure/statistics.ts";
import { isModel, type Order, sizes, type Tell } from "../order.ts";
import { shapeFolder } from "../programs.ts";
import { writeModel } from "../write-model.ts";

export async function writeStep({ device, work, model }: Order, tell: Tell): Promise<void> {
  if (!isModel(model)) throw new Error(`there is no shape of ${model}`);
  const { formats, whisperTokens } = sizes[device];
  // No second attempts: random weights deserve none. The other's budget is 64 tokens beside what a second may come to.
  const section =
    model === "whisper-base" ? { maxTokens: whisperTokens, temperatures: [0], beamSize: 1 } : { tokensPerSecond: 1e-6 };
  const { bytes } = await writeModel({
    shape: shapeFolder(model),
    folder: `${work}/${model}`,
    formats: formats[model],
    section,
  });
  tell({ written_mb: round(bytes / 1e6, 1), formats: formats[model] });
}
