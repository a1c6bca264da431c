/**
 * `npm run check:cuda`, in a bundle `./parlance check --cuda`: everything about a CUDA device in one command with a time limit, in the order of what
 * teaches most. `--device cpu` runs the same steps as far as a CPU can. Each step has a process and a limit of its own; its result is printed
 * and added to a file as a line of JSON when it ends, and the last line is all of them. A step that fails is told with its error, the graph's
 * node where there is one, and the end of ONNX Runtime's log, for which it is run once more.
 *
 * Options: `--device cuda|cpu`, `--cuda`, `--limit 600` (seconds, of all steps; on a CPU 900), `--only engine,ways` (names of steps), `--models a,b`,
 * `--out FILE`. Ends with 0 when every step holds, 1 when one failed, 2 when there is no GPU.
 */
import { appendFileSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { findLibraries, usualFolders } from "../../services/bundle/src/cuda-libraries.ts";
import { endChildren, runChild } from "./child-process.ts";
import { isModel, models, type Order, orderSchema, sizes, tell } from "./order.ts";
import { programPath } from "./programs.ts";
import { steps } from "./steps/index.ts";
import { type StepResult, stepName, summaryOf } from "./summary.ts";

const { values: wished } = parseArgs({
  options: {
    cuda: { type: "boolean", default: false },
    device: { type: "string" },
    limit: { type: "string" },
    only: { type: "string" },
    models: { type: "string", default: models.join(",") },
    out: { type: "string", default: ".parlance/check.jsonl" },
    step: { type: "string" },
  },
});
/** Steps that run sessions of their own and end soon. */
const needsLog = new Set(["probe", "engine", "ways"]);

if (wished.step === undefined) process.exitCode = await check();
else await runStep(orderSchema.parse(JSON.parse(wished.step)));

/** A step, in its own process. What it starts in a group of its own is not reached by what ends it. */
async function runStep(order: Order): Promise<void> {
  process.once("SIGTERM", async () => {
    await endChildren();
    process.exit(1);
  });
  const step = steps[order.step];
  if (step === undefined) throw new Error(`there is no step ${order.step}`);
  await step(order, tell);
}

interface Plan {
  step: string;
  model?: string;
  /** Seconds. */
  limit: number;
}

function planOf(device: "cpu" | "cuda", chosen: readonly string[]): Plan[] {
  const ofModel = (model: string, [write, engine, ways]: readonly [number, number, number]): Plan[] =>
    chosen.includes(model)
      ? [
          { step: "write", model, limit: write },
          { step: "engine", model, limit: engine },
          { step: "ways", model, limit: ways },
        ]
      : [];
  const plan: Plan[] = [
    { step: "facts", limit: 45 },
    { step: "probe", limit: 75 },
    ...ofModel("whisper-base", [60, 120, 120]),
    ...ofModel("qwen3-asr-0.6b", [120, 180, 200]),
    ...ofModel("qwen3-tts-0.6b", [120, 180, 200]),
    { step: "families", limit: 150 },
    { step: "demo", limit: 150 },
    { step: "chaos", limit: 240 },
    { step: "graphs", limit: 180 },
  ];
  const large = { step: "families", model: "qwen3-asr-0.6b", limit: 120 };
  return device === "cuda" && chosen.includes(large.model) ? [...plan, large] : plan;
}

async function check(): Promise<number> {
  const device = wished.cuda ? "cuda" : (wished.device ?? "cuda");
  if (device !== "cpu" && device !== "cuda") return refuse(`--device ${device}: cuda or cpu`);
  const limit = wished.limit ?? (device === "cuda" ? "600" : "900");
  const limitMs = Number(limit) * 1_000;
  if (!(limitMs > 0)) return refuse(`--limit ${limit}: a number of seconds`);
  const chosen = wished.models.split(",");
  const unknown = chosen.find((model) => !isModel(model));
  if (unknown !== undefined) return refuse(`--models ${unknown}: ${models.join(", ")}`);
  if (device === "cuda" && globSync("/dev/{nvidia[0-9]*,dxg}").length === 0) {
    return refuse("there is no GPU: no NVIDIA device is in /dev. The same steps run on the CPU with --device cpu");
  }

  const until = performance.now() + limitMs;
  const out = resolve(wished.out);
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, "");
  const work = mkdtempSync(join(tmpdir(), "parlance-check-"));
  const results: Record<string, StepResult> = {};
  const only = wished.only?.split(",");
  process.once("exit", () => rmSync(work, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, async () => {
      say(summaryOf(device, results, chosen));
      await endChildren();
      process.exit(1);
    });
  }
  const say = (line: object) => {
    const text = `${JSON.stringify(line)}\n`;
    appendFileSync(out, text);
    process.stdout.write(text);
  };

  for (const { step, model, limit: own } of planOf(device, chosen)) {
    const name = stepName(step, model);
    if (only !== undefined && !only.includes(step) && !(step === "write" && needsModels(only))) continue;
    const left = until - performance.now();
    const result =
      left < 1_000
        ? { ok: false, seconds: 0, error: `not run: the limit of ${limit} s was over` }
        : await attempt({ step, device, work, ...(model && { model }) }, Math.min(left, own * 1_000), until);
    results[name] = result;
    say({ step: name, ...result });
  }
  const summary = summaryOf(device, results, chosen);
  say(summary);
  return summary.failed.length === 0 ? 0 : 1;
}

/** Models are made for the steps that were asked for, whether or not making them was. */
function needsModels(only: readonly string[]): boolean {
  return ["engine", "ways", "graphs", "families"].some((step) => only.includes(step));
}

/** Once, and when that fails and time is left, once more with ONNX Runtime's log. */
async function attempt(order: Order, limitMs: number, until: number): Promise<StepResult> {
  const environment = environmentOf(order);
  const command = commandOf(order);
  const file = resolve(wished.out);
  // What a long step has found lies in the file before it ends.
  const onFields = (fields: object) =>
    appendFileSync(file, `${JSON.stringify({ part: stepName(order.step, order.model), ...fields })}\n`);
  const { ok, seconds, fields, failure } = await runChild({ command, environment, limitMs, onFields });
  const result: StepResult = { ...fields, ok, seconds, ...failure };
  const left = until - performance.now();
  if (ok || !needsLog.has(order.step) || left < 60_000) return result;
  const again = await runChild({
    command,
    environment: { ...environment, ORT_LOG_SEVERITY_LEVEL: "1" },
    limitMs: Math.min(60_000, left / 4),
  });
  return {
    ...result,
    ok_again: again.ok,
    runtime_log: again.failure?.log ?? [],
    ...(again.failure?.node && { node: again.failure.node }),
  };
}

function commandOf(order: Order): string[] {
  const { items, kills } = sizes[order.device].chaos;
  if (order.step === "demo") return [process.execPath, programPath("demo")];
  if (order.step === "chaos") {
    const options = ["--items", `${items}`, "--kills", `${kills}`, "--swap-kills", "1", "--pauses", "0"];
    return [process.execPath, programPath("chaos"), ...options, "--targets", "engine,transcribe-worker,tts-worker"];
  }
  return [process.execPath, programPath("check"), "--step", JSON.stringify(order)];
}

function environmentOf({ device, work, step, model }: Order): NodeJS.ProcessEnv {
  const own = { ...process.env, TMPDIR: work, ASR_DEVICE: device, TTS_DEVICE: device };
  const families = step === "families" && model !== undefined ? { MODEL_ID: `${work}/${model}` } : {};
  if (device === "cpu") return { ...own, ...families };
  // The loader reads it when a process starts.
  const named = process.env.LD_LIBRARY_PATH === undefined ? [] : [process.env.LD_LIBRARY_PATH];
  const { folders } = findLibraries({ folders: usualFolders() });
  return { ...own, ...families, LD_LIBRARY_PATH: [...named, ...folders].join(":") };
}

function refuse(sentence: string): number {
  process.stderr.write(`check: ${sentence}\n`);
  return 2;
}
