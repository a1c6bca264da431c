/** The last line of a check: every step's result, and the few figures that one looks at first. */
import type { Fields } from "./child-process.ts";

export interface StepResult extends Fields {
  ok: boolean;
  seconds: number;
}

export interface Summary extends Fields {
  device: string;
  steps: Record<string, StepResult>;
  failed: string[];
}

/** Names of steps: what they are about, and the model where there is one. */
export const stepName = (step: string, model?: string): string => (model === undefined ? step : `${step} ${model}`);

export function summaryOf(
  device: string,
  steps: Readonly<Record<string, StepResult>>,
  models: readonly string[],
): Summary {
  const field = (step: string, name: string) => steps[step]?.[name] ?? null;
  const perModel = (step: string, name: string) =>
    Object.fromEntries(models.map((model) => [model, field(stepName(step, model), name)]));
  const tokensEqual = models.map((model) => {
    const result: Fields = steps[stepName("ways", model)] ?? {};
    const found = Object.entries(result).flatMap(([name, value]) => {
      const format = /^tokens_(.+)$/.exec(name)?.[1];
      const share = typeof value === "object" && value !== null && "equal" in value ? value.equal : null;
      return format === undefined ? [] : [[format, share]];
    });
    return [model, Object.fromEntries(found)];
  });
  return {
    device,
    steps,
    one_pass_8_over_1: perModel("engine", "one_pass_8_over_1"),
    tokens_equal: Object.fromEntries(tokensEqual),
    loop_over_steps: perModel("ways", "loop_over_steps"),
    vram_loaded_mb: perModel("engine", "vram_loaded_mb"),
    vram_after_unload_mb: perModel("engine", "vram_after_unload_mb"),
    load_s: perModel("engine", "load_s"),
    warm_up_s: perModel("engine", "warm_up_s"),
    swap_s: field("families", "swap_s"),
    families_max: field("families", "families_max"),
    demo_ok: steps.demo?.ok ?? null,
    chaos_ok: steps.chaos?.ok ?? null,
    failed: Object.entries(steps).flatMap(([name, { ok }]) => (ok ? [] : [name])),
  };
}
