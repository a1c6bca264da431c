import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { glibcFloor, highestFloor } from "./glibc-floor.ts";

it("a program's floor is the newest version that its symbols name, by number and not by letters", () => {
  expect(glibcFloor(Buffer.from("\0GLIBC_2.9\0GLIBC_2.28\0GLIBC_2.4\0GLIBCXX_3.4.30\0"))).toBe("2.28");
  expect(glibcFloor(Buffer.from("static"))).toBeUndefined();
});

it("of this Node it is one that this machine has", () => {
  expect(glibcFloor(readFileSync(process.execPath))).toMatch(/^2\.\d+$/);
});

it("the highest of several is taken, and those that name none do not count", () => {
  expect(highestFloor(["2.9", undefined, "2.28", "2.17"])).toBe("2.28");
  expect(highestFloor([undefined])).toBeUndefined();
});
