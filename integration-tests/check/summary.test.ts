import { expect, it } from "vitest";
import { summaryOf } from "./summary.ts";

it("the last line has every name whatever ran, and names the steps that failed", () => {
  const steps = {
    "engine small": { ok: false, seconds: 3, load_s: 0.5, one_pass_8_over_1: 1.1, error: "out of memory" },
    "ways small": {
      ok: true,
      seconds: 2,
      tokens_loop_float16: { equal: 0.9 },
      tokens_loop_float32: { equal: 1 },
      loop_over_steps: 4,
    },
    demo: { ok: true, seconds: 1 },
  };
  expect(summaryOf("cuda", steps, ["small", "large"])).toEqual({
    device: "cuda",
    steps,
    one_pass_8_over_1: { small: 1.1, large: null },
    tokens_equal: { small: { loop_float16: 0.9, loop_float32: 1 }, large: {} },
    loop_over_steps: { small: 4, large: null },
    vram_loaded_mb: { small: null, large: null },
    vram_after_unload_mb: { small: null, large: null },
    load_s: { small: 0.5, large: null },
    warm_up_s: { small: null, large: null },
    swap_s: null,
    families_max: null,
    demo_ok: true,
    chaos_ok: null,
    failed: ["engine small"],
  });
});
