import { describe, expect, it } from "vitest";
import { chooseGraph, fallbackOf, weightBytes } from "./compute-type.ts";

const file = { path: "x.onnx", bytes: 1, sha256: "0".repeat(64) };
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

  it("takes weights of four bits where they are wanted, or eight are and there are none, never for others", () => {
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
    for (const provider of ["cpu", "cuda"] as const) {
      const choice = chooseGraph({ manifest: both, role: "graph", wanted: "int4", provider });
      expect(choice).toEqual({ role: "graph.int4", computeType: "int4" });
    }
    expect(chooseGraph({ manifest: rich, role: "graph", wanted: "int4", provider: "cpu" }).computeType).toBe("int8");
  });

  it("runs the best of what there is where the wanted weights are not: a setting is a wish", () => {
    const of = (wanted: "int8" | "float16" | "float32", names: string[]) =>
      chooseGraph({
        manifest: { name: "m", files: Object.fromEntries(names.map((name) => [name, file])) },
        role: "graph",
        wanted,
        provider: "cpu",
      }).computeType;
    expect(of("int8", ["graph"])).toBe("float32");
    expect(of("float16", ["graph", "graph.int8"])).toBe("float32");
    expect(of("float32", ["graph.int8", "graph.float16"])).toBe("float16");
    expect(of("float16", ["graph.int4"])).toBe("int4");
  });

  it("throws where there is no such graph at all", () => {
    const asked = { manifest: plain, role: "loop", wanted: "auto", provider: "cpu" } as const;
    expect(() => chooseGraph(asked)).toThrow("model plain has no graph loop");
  });
});

describe("fallbackOf", () => {
  it("says what is run instead of what the model has not", () => {
    expect(fallbackOf(plain, "int8", "cpu")).toEqual({
      computeType: "float32",
      note: "plain has no int8 weights: float32 is run instead",
    });
    expect(fallbackOf(plain, "float16", "cuda")?.computeType).toBe("float32");
    expect(fallbackOf(rich, "int4", "cpu")?.note).toBe("rich has no int4 weights: int8 is run instead");
    expect(fallbackOf({ name: "four", files: { "graph.int4": file } }, "int8", "cpu")?.computeType).toBe("int4");
  });

  it("says nothing where the wish comes true, or none was made", () => {
    expect(fallbackOf(rich, "int8", "cpu")).toBeUndefined();
    expect(fallbackOf(plain, "float32", "cpu")).toBeUndefined();
    expect(fallbackOf(plain, "auto", "cuda")).toBeUndefined();
  });
});

describe("weightBytes", () => {
  const of = (path: string, bytes: number) => ({ path, bytes });
  const files = {
    "encoder.int8": of("encoder.int8.onnx", 1),
    "encoder.float16": of("encoder.float16.onnx", 2),
    decoder: of("decoder.onnx", 4),
    "weights.int8": of("weights.int8.bin", 10),
    "weights.float16": of("weights.float16.bin", 20),
    "encoder.int8.data": of("encoder.int8.bin", 100),
    "encoder.float16.data": of("encoder.float16.bin", 200),
    tokenizer: of("tokenizer.json", 5_000),
  };

  it("is that of the formats that are loaded, and nothing else of the folder", () => {
    expect(weightBytes({ files }, "auto", "cpu")).toBe(1 + 4 + 10 + 100);
    expect(weightBytes({ files }, "auto", "cuda")).toBe(2 + 4 + 20 + 200);
    expect(weightBytes({ files }, "int8", "cuda")).toBe(1 + 4 + 10 + 100);
  });

  it("counts a file once that several graphs share", () => {
    const shared = { path: "shared.data", bytes: 7 };
    expect(weightBytes({ files: { "a.data": shared, "b.data": shared } }, "auto", "cpu")).toBe(7);
  });
});
