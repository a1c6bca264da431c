import { SpeechError } from "@parlance/contracts";
import { describe, expect, it } from "vitest";
import { createLoadTrouble } from "./load-trouble.ts";

function createRig() {
  let now = 1_000;
  const trouble = createLoadTrouble({ now: () => now, schedule: () => () => {} }, undefined);
  return {
    trouble,
    advance(ms: number) {
      now += ms;
    },
  };
}

describe("a model that cannot be loaded", () => {
  it("is tried again after pauses that grow up to a minute, and the pause after a success is short again", () => {
    const { trouble, advance } = createRig();
    const pauses: number[] = [];
    for (let n = 0; n < 12; n += 1) {
      trouble.failed(new SpeechError("model_unavailable"));
      pauses.push(trouble.restMs);
      advance(trouble.restMs);
      expect(trouble.restMs).toBe(0);
      expect(trouble.present).toBe(true);
    }
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(pauses[0]).toBeLessThan(1_000);
    expect(pauses.slice(-2)).toEqual([60_000, 60_000]);
    trouble.over();
    expect(trouble).toMatchObject({ present: false, told: undefined, restMs: 0 });
    trouble.failed(new SpeechError("model_unavailable"));
    expect(trouble.restMs).toBe(pauses[0]);
  });

  it("is told at once in the words of whoever refused it", () => {
    const { trouble } = createRig();
    trouble.failed(new SpeechError("model_not_found", "the hub has no such thing", { param: "MODEL_ID" }));
    expect(trouble.told).toMatchObject({
      failure: { code: "model_not_found", message: "the hub has no such thing", param: "MODEL_ID" },
      retryable: false,
      tries: 1,
    });
  });

  it("may come right by itself where the hub is away or memory is short", () => {
    const { trouble } = createRig();
    trouble.failed(new SpeechError("model_unavailable"));
    expect(trouble.told?.retryable).toBe(true);
    trouble.failed(new SpeechError("engine_out_of_memory"));
    expect(trouble.told?.retryable).toBe(true);
    trouble.failed(new SpeechError("validation_failed"));
    expect(trouble.told?.retryable).toBe(false);
  });

  it("because its process was killed is told when it happens again and again", () => {
    const { trouble } = createRig();
    for (let n = 0; n < 2; n += 1) trouble.failed(new Error("the engine ended with SIGKILL"));
    expect(trouble.told).toBeUndefined();
    trouble.failed(new Error("the engine ended with SIGKILL"));
    expect(trouble.told).toMatchObject({ failure: { code: "engine_failed" }, retryable: true, tries: 3 });
  });
});
