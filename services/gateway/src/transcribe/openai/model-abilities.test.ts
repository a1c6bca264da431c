import { describe, expect, test } from "vitest";
import { requireLogprobs, requireTranslation } from "./model-abilities.ts";

describe.each([
  ["translates", requireTranslation, "model"],
  ["logprobs", requireLogprobs, "include"],
] as const)("%s", (ability, require, param) => {
  const worker = (able?: boolean) => ({ model: `m-${able}`, ...(able === undefined ? {} : { [ability]: able }) });

  test("is left to the model as long as no worker has told", () => {
    for (const workers of [[], [worker()], [worker(false), worker()]]) expect(() => require(workers)).not.toThrow();
  });

  test("is there when one of the workers has it", () => {
    expect(() => require([worker(false), worker(true)])).not.toThrow();
  });

  test("is refused by the model's name when none has it", () => {
    const problem = { code: "operation_unavailable", param, message: expect.stringContaining("m-false") };
    expect(() => require([worker(false), worker(false)])).toThrow(expect.objectContaining(problem));
  });
});
