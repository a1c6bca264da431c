/** A model that costs nothing, for what is to show the cost of all around it: one small convolution, and a decoder without a lexicon. */
import { writeEchoCtcModel } from "@parlance/inference/testing";

export async function writeFreeModel(folder: string): Promise<string> {
  await writeEchoCtcModel({ folder, name: "free", phones: [], characters: ["", " ", "a"] });
  return folder;
}
