import { describe, expect, it } from "vitest";
import { chooseGraph } from "./compute-type.ts";

const file = { path: "x", bytes: 1, sha256: "0".repeat(64) };
const plain = { name: "plain", files: { graph: file } };
const rich = { name: "rich", files: { graph: file, "graph.int8": file, "graph.float16": file } };

describe("chooseGraph", () => {
  it("takes the model as it was made when there is nothing else", () => {
    for (const provider of ["cpu", "cuda"] as const) {
      const choice = chooseGraph({ manifest: plain, role: "graph", wanted: "auto", provider });
      expect(choice).toEqual({ role: "graph", computeType: "float32" });
    }
  });

  it("prefers int8 on the CPU and float16 on CUDA", () => {
    expect(chooseGraph({ manifest: rich, role: "graph", wanted: "auto", provider: "cpu" }).role).toBe("graph.int8");
    expect(chooseGraph({ manifest: rich, role: "graph", wanted: "auto", provider: "cuda" }).role).toBe("graph.float16");
  });

  it("takes what was asked for, on any device", () => {
    const choice = chooseGraph({ manifest: rich, role: "graph", wanted: "float32", provider: "cpu" });
    expect(choice).toEqual({ role: "graph", computeType: "float32" });
  });

  it("takes weights of four bits where eight are wanted and there are none, never for others", () => {
    const small = { name: "small", files: { graph: file, "graph.int4": file } };
    for (const wanted of ["auto", "int8"] as const) {
      const choice = chooseGraph({ manifest: small, role: "graph", wanted, provider: "cpu" });
      expect(choice).toEqual({ role: "graph.int4", computeType: "int4" });
    }
    expect(chooseGraph({ manifest: small, role: "graph", wanted: "auto", provider: "cuda" }).computeType).toBe(
      "float32",
    );
    const both = { name: "both", files: { ...small.files, "graph.int8": file } };
    expect(chooseGraph({ manifest: both, role: "graph", wanted: "auto", provider: "cpu" }).computeType).toBe("int8");
  });

  it("says which weights there are when the wanted ones are not", () => {
    expect(() => chooseGraph({ manifest: plain, role: "graph", wanted: "int8", provider: "cpu" })).toThrow(
      "model plain has no int8 weights for graph (it has: float32)",
    );
  });
});
