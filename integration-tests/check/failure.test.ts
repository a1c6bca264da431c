import { expect, it } from "vitest";
import { failureOf, nodeOf } from "./failure.ts";

it("the node is read out of ONNX Runtime's sentences", () => {
  expect(
    nodeOf("Non-zero status code returned while running MatMul node. Name:'MatMul_12' Status Message: CUBLAS"),
  ).toBe("MatMul MatMul_12");
  expect(nodeOf("Could not find an implementation for ReduceMax(18) node with name 'best'")).toBe("ReduceMax(18) best");
  expect(nodeOf("the library could not be opened")).toBeUndefined();
});

it("a failure says what went wrong and how the process ended, with the end of its log and without its stack", () => {
  const { error, log, node } = failureOf(
    "loading\nError: running Loop node. Name:'Loop_9' Status Message: out of memory\n    at run (file.ts:1:1)\n\nNode.js v24\n",
    "code 1",
  );
  expect(error).toMatch(/^Error: running Loop node.*\(its process ended with code 1\)$/);
  expect(log).toEqual(["loading", "Error: running Loop node. Name:'Loop_9' Status Message: out of memory"]);
  expect(node).toBe("Loop Loop_9");
  const known =
    "SpeechError: device cuda:0 cannot be used\n    at x (y.ts)\n  code: 'validation_failed',\n  [cause]: Error: no library\n}\n";
  expect(failureOf(known, "code 1").error).toBe(
    "SpeechError: device cuda:0 cannot be used (its process ended with code 1)",
  );
  expect(failureOf("\x1b[1;31m[E:onnxruntime] no library\x1b[m\n", "code 1").log).toEqual([
    "[E:onnxruntime] no library",
  ]);
  expect(failureOf("", "SIGABRT")).toEqual({ error: "its process ended with SIGABRT" });
});
