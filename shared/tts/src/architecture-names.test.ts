import { embeddedModels, modelsFor } from "@parlance/catalogue";
import { readManifest, shippedModels } from "@parlance/model-store";
import { expect, it } from "vitest";
import { architectureNames } from "./architecture-names.ts";
import { architectures } from "./architectures.ts";

it("every architecture is named, and nothing else", () => {
  expect(architectureNames).toEqual([...architectures.keys()]);
});

it("models that an error names can be loaded here", async () => {
  const named = Object.values(modelsFor).flat();
  expect(named).toContain(embeddedModels.tts);
  for (const name of named) {
    const manifest = await readManifest(`${shippedModels}/${name}`);
    expect(architectureNames, name).toContain(manifest?.architecture);
  }
});
