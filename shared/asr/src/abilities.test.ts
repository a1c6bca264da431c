import { expect, it } from "vitest";
import { abilitiesOf, architectureNames } from "./abilities.ts";
import { architectures } from "./architectures.ts";

const able = (architecture: string, languages = ["English", "German"]) => abilitiesOf({ architecture, languages });

it("what every architecture can do is known, and nothing of others", () => {
  for (const name of architectures.keys()) expect(able(name), name).toBeDefined();
  expect([...architectureNames].sort()).toEqual([...architectures.keys()].sort());
  expect(able("toString")).toBeUndefined();
  expect(able("vosk")).toBeUndefined();
});

it("a model translates when its architecture does, it knows other languages than English, and its manifest does not deny it", () => {
  expect(able("whisper")).toEqual({ context: true, translates: true, logprobs: true });
  expect(able("whisper", ["English"])?.translates).toBe(false);
  const manifest = { architecture: "whisper", languages: ["English", "German"] };
  expect(abilitiesOf({ ...manifest, translates: false })?.translates).toBe(false);
  expect(abilitiesOf({ ...manifest, translates: true })?.translates).toBe(true);
  expect(able("ctc")?.translates).toBe(false);
});
