import { expect, it } from "vitest";
import { abilitiesOf } from "./abilities.ts";
import { architectures } from "./architectures.ts";

it("what every architecture can do is known, and nothing of others", () => {
  for (const name of architectures.keys()) expect(abilitiesOf(name), name).toBeDefined();
  expect(abilitiesOf("toString")).toBeUndefined();
  expect(abilitiesOf("vosk")).toBeUndefined();
});
