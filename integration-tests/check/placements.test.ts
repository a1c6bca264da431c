import { expect, it } from "vitest";
import { readPlacements } from "./placements.ts";

const line = (text: string) =>
  `2026-11-21 17:31:05.5 [V:onnxruntime:, session_state.cc:1380 VerifyEachNodeIsAssignedToAnEp] ${text}`;

it("what fell to the CPU is counted by operator where another provider has the rest", () => {
  const log = [
    line("Node placements"),
    line(" Node(s) placed on [CUDAExecutionProvider]. Number of nodes: 2"),
    line("  MatMul (MatMul_1)"),
    line("  Add ()"),
    line(" Node(s) placed on [CPUExecutionProvider]. Number of nodes: 3"),
    line("  Shape (a)"),
    line("  Shape ()"),
    line("  Gather (c)"),
    line("SaveMLValueNameIndexMapping"),
    line("  Mul (never)"),
  ];
  expect(readPlacements(log.join("\n"))).toEqual({ nodes: { CUDA: 2, CPU: 3 }, on_cpu: { Shape: 2, Gather: 1 } });
});

it("a graph that is whole on one provider has nothing to tell of the CPU", () => {
  const log = line(" All nodes placed on [CPUExecutionProvider]. Number of nodes: 335");
  expect(readPlacements(log)).toEqual({ nodes: { CPU: 335 }, on_cpu: {} });
});
