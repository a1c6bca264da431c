import { expect, it } from "vitest";
import { abilitiesOf, architectureNames } from "./abilities.ts";
import { architectures } from "./architectures.ts";

it("what every architecture can do is known, and nothing of others", () => {
  for (const name of architectures.keys()) expect(abilitiesOf(name), name).toBeDefined();
  expect([...architectureNames].sort()).toEqual([...architectures.keys()].sort());
  expect(abilitiesOf("toString")).toBeUndefined();
  expect(abilitiesOf("vosk")).toBeUndefined();
});
