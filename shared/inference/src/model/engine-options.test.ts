import { forgetVerified, verifiedFiles } from "@parlance/model-store";
import { afterEach, expect, test } from "vitest";
import * as z from "zod";
import { engineOptionsSchema, readEngineOptions } from "./engine-options.ts";

afterEach(forgetVerified);

const wishes = { modelId: "a", modelRoot: "/models", device: "cuda:1", computeType: "int8", threads: 2 };

test("an engine takes the supervisor's word for the files that it has read, and keeps the rest as its wishes", () => {
  const verified = [{ path: "/models/a/x.onnx", sha256: "0".repeat(64), identity: "1:2:3" }];
  expect(readEngineOptions(engineOptionsSchema, { ...wishes, verified })).toEqual(wishes);
  expect(verifiedFiles()).toEqual(verified);
});

test("a family may add options of its own, and what is none is refused", () => {
  const schema = engineOptionsSchema.extend({ beamSize: z.number().optional() });
  expect(readEngineOptions(schema, { ...wishes, beamSize: 5 })).toEqual({ ...wishes, beamSize: 5 });
  expect(() => readEngineOptions(schema, { ...wishes, computeType: "int3" })).toThrow("computeType");
});
