import { expect, it } from "vitest";
import { prefersLoop } from "./prefers-loop.ts";

function folder(...roles: string[]) {
  return {
    name: "small",
    files: Object.fromEntries(roles.map((role) => [role, { path: role, bytes: 1, sha256: "" }])),
  };
}
const both = folder("talker", "talker.float16", "loop", "loop.float16");

it("the loop is for CUDA, in the format that is wanted", () => {
  for (const wanted of ["auto", "float32", "float16"] as const) {
    expect(prefersLoop({ manifest: both, wanted, provider: "cuda" })).toBe(true);
    expect(prefersLoop({ manifest: both, wanted, provider: "cpu" })).toBe(false);
  }
});

it("a folder without it has the steps, and so has one whose loop is in another format than its steps", () => {
  expect(prefersLoop({ manifest: folder("talker"), wanted: "auto", provider: "cuda" })).toBe(false);
  const half = folder("talker", "talker.float16", "loop.float16");
  expect(prefersLoop({ manifest: half, wanted: "float32", provider: "cuda" })).toBe(false);
  expect(prefersLoop({ manifest: half, wanted: "auto", provider: "cuda" })).toBe(true);
});

it("a format that no graph has is no reason against the loop, and few bits are none", () => {
  expect(prefersLoop({ manifest: folder("talker", "loop"), wanted: "float16", provider: "cuda" })).toBe(true);
  const few = folder("talker", "talker.int8", "loop");
  expect(prefersLoop({ manifest: few, wanted: "int8", provider: "cuda" })).toBe(true);
});
