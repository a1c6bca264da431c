/**
 * An engine without a model, for tests of whoever drives one: each row's payload is a text that says what it does.
 *
 *   `echo …`     answers with the text                `sleep <ms> …`   answers after so long
 *   `fail`       the row fails                         `break`          the whole pass fails
 *   `crash`      the process aborts                    `hang`           the pass never ends
 *   `oom <rows>` out of memory in a pass of more rows  `big <bytes>`    answers with a payload of so many bytes
 *   `steps <n> <ms> …`  answers after n steps of so long; it tells each, and may be left and joined between them
 *   `words <ms> a b …`  says a word at each step of so long, and tells all so far; answers with them
 *
 * Options: `rows` (out of memory in a pass of more rows than that), `loadMs`, `loadFails`, `refills` (waiting rows join a pass
 * that runs), `countSteps`. With the last, outcomes say in `step` how many steps the engine had made by then, in `steppedAt` when each
 * ended, and in `left` at which of them rows were found stopped.
 */
import type { SpeechError } from "@parlance/contracts";
import type { ModelPass } from "../engine/engine-passes.ts";
import type { EngineOutcome, Json } from "../engine/engine-protocol.ts";
import { runEngine } from "../engine/run-engine.ts";

interface Script {
  rows?: number;
  loadMs?: number;
  loadFails?: boolean;
  refills?: boolean;
  countSteps?: boolean;
}

runEngine({
  async load(options, log) {
    const {
      rows = Number.POSITIVE_INFINITY,
      loadMs = 0,
      loadFails = false,
      refills = false,
      countSteps = false,
    } = options as Script;
    block(loadMs);
    if (loadFails) throw await speechError("validation_failed", "no such model", { param: "MODEL_ID" });
    log("loaded", { rows });
    return {
      description: {
        name: "scripted",
        architecture: "scripted",
        device: "cpu",
        computeType: "float32",
        cuda: false,
        checkSeconds: 0,
        loadSeconds: loadMs / 1_000,
        warmUpSeconds: 0,
        refills,
      },
      async run(pass) {
        const scripts = pass.rows.map(scriptOf);
        if (pass.rows.length > rows) throw await speechError("engine_out_of_memory");
        if (scripts.some(([verb, limit]) => verb === "oom" && pass.rows.length > Number(limit))) {
          throw await speechError("engine_out_of_memory");
        }
        await runSteps(pass, refills, countSteps ? counter : undefined);
      },
    };
  },
});

/** Engines are started by the hundred, and what errors are made of takes longer to load than all else of them. */
async function speechError(...what: ConstructorParameters<typeof SpeechError>): Promise<SpeechError> {
  const contracts = await import("@parlance/contracts");
  return new contracts.SpeechError(...what);
}

function scriptOf({ payload }: { payload: Uint8Array }): string[] {
  return new TextDecoder().decode(payload.subarray(0, 200)).split(" ");
}

/** Steps of all passes: how many, when each ended (milliseconds since the epoch), and those that found a row stopped. */
const counter = { steps: 0, steppedAt: [] as number[], left: [] as number[] };

async function runSteps(pass: ModelPass, refills: boolean, counted: typeof counter | undefined): Promise<void> {
  /** How many steps each open row has done. */
  const done = new Map([...pass.rows.keys()].map((row) => [row, 0]));
  const size = pass.rows.length;
  while (done.size > 0) {
    const scripts = new Map(
      [...done.keys()].map((row) => [row, scriptOf(pass.rows[row] ?? { payload: new Uint8Array() })]),
    );
    block(Math.max(0, ...[...scripts.values()].map(msOf)));
    counter.steps += 1;
    counter.steppedAt.push(Date.now());
    for (const [row, words] of scripts) {
      const steps = (done.get(row) ?? 0) + 1;
      done.set(row, steps);
      const part = partOf(words, steps);
      if (part !== undefined) pass.tell(row, { meta: { text: part } });
      if (!pass.isOpen(row)) {
        counter.left.push(counter.steps);
        done.delete(row);
      } else if (steps >= stepsOf(words)) {
        pass.end(row, act(words, pass.rows[row]?.meta ?? null, size, counted));
        done.delete(row);
      }
    }
    if (refills) for (const row of pass.refill(size - done.size)) done.set(row, 0);
    if (done.size > 0) await pass.giveWay();
  }
}

function msOf([verb, first, second]: string[]): number {
  if (verb === "sleep" || verb === "words") return Number(first);
  return verb === "steps" ? Number(second) : 0;
}

function stepsOf([verb, first, ...words]: string[]): number {
  if (verb === "words") return words.length;
  return verb === "steps" ? Number(first) : 1;
}

function partOf([verb, , ...words]: string[], steps: number): string | undefined {
  if (verb === "words") return words.slice(0, steps).join(" ");
  return verb === "steps" ? `step ${steps}` : undefined;
}

function act(words: string[], given: Json, passSize: number, counted: typeof counter | undefined): EngineOutcome {
  const text = words.join(" ");
  switch (words[0]) {
    case "crash":
      process.kill(process.pid, "SIGABRT");
      block(60_000);
      break;
    case "hang":
      block(3_600_000);
      break;
    case "break":
      throw new Error("the pass is broken");
    case "fail":
      return { ok: false, failure: { code: "language_unsupported", message: "not this one" } };
    case "words":
      return { ok: true, meta: { text: words.slice(2).join(" "), passSize } };
    case "big":
      return { ok: true, meta: { text, passSize }, payload: new Uint8Array(Number(words[1])).fill(7) };
  }
  const counts = counted && { step: counted.steps, steppedAt: [...counted.steppedAt], left: [...counted.left] };
  return { ok: true, meta: { text, passSize, given, ...counts } };
}

/** As ONNX Runtime does: the thread does nothing else meanwhile. */
function block(ms: number): void {
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
