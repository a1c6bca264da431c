/** The files of the voice activity model, as its manifest says. They are verified before anything opens them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { voiceActivityModel } from "@parlance/catalogue";
import { checkFile } from "@parlance/model-store/checksums";
import { shippedModels } from "@parlance/model-store/shipped-models";
import * as z from "zod";

const schema = z.object({
  name: z.string(),
  sampleRate: z.literal(16_000),
  files: z.object({
    graph: z.object({ path: z.string().regex(/^[\w.-]+$/), bytes: z.number(), sha256: z.string().length(64) }),
  }),
  tensors: z.object({
    audio: z.string(),
    state: z.string(),
    sampleRate: z.string(),
    probability: z.string(),
    nextState: z.string(),
  }),
});

export interface VoiceActivityModel {
  graph: string;
  tensors: z.infer<typeof schema>["tensors"];
}

/** Throws an error that names the file when one is missing or not what the manifest says. */
export async function findVoiceActivityModel(
  folder = join(shippedModels, voiceActivityModel),
): Promise<VoiceActivityModel> {
  const { name, files, tensors } = schema.parse(JSON.parse(await readFile(join(folder, "manifest.json"), "utf8")));
  const graph = join(folder, files.graph.path);
  await checkFile(name, graph, files.graph);
  return { graph, tensors };
}
