import fc from "fast-check";
import { expect, it } from "vitest";
import { chooseProcesses, SMALL_MACHINE_BYTES } from "./processes.ts";

it("a wish is followed, whatever the machine has", () => {
  fc.assert(
    fc.property(fc.constantFrom("one", "many"), fc.nat(), (wish, bytes) => {
      expect(chooseProcesses(wish, bytes)).toBe(wish);
    }),
  );
});

it("without a wish there is one process exactly where there is less than 4 GB", () => {
  expect(chooseProcesses("auto", 4e9 - 1)).toBe("one");
  expect(chooseProcesses("auto", 4e9)).toBe("many");
  fc.assert(
    fc.property(fc.maxSafeNat(), (bytes) => {
      expect(chooseProcesses("auto", bytes)).toBe(bytes < SMALL_MACHINE_BYTES ? "one" : "many");
    }),
  );
});
