import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { embeddedModels, modelsFor, voiceActivityModel } from "./embedded-models.ts";

const manifestOf = (name: string) => new URL(`../../../models/${name}/manifest.json`, import.meta.url);

it.each(Object.entries(embeddedModels))("the embedded model of %s ships: %s", (family, name) => {
  expect(JSON.parse(readFileSync(manifestOf(name), "utf8"))).toMatchObject({ name, family });
});

it("the model of voice activity ships", () => {
  expect(JSON.parse(readFileSync(manifestOf(voiceActivityModel), "utf8"))).toMatchObject({ name: voiceActivityModel });
});

it("what an error names for an operation ships too", () => {
  for (const name of Object.values(modelsFor).flat()) expect(existsSync(manifestOf(name)), name).toBe(true);
});
