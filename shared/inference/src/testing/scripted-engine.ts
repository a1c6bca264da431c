/**
 * An engine without a model, for tests of whoever drives one: each row's payload is a text that says what it does.
 *
 *   `echo …`     answers with the text                `sleep <ms> …`   answers after so long
 *   `fail`       the row fails                         `break`          the whole pass fails
 *   `crash`      the process aborts                    `hang`           the pass never ends
 *   `oom <rows>` out of memory in a pass of more rows  `big <bytes>`    answers with a payload of so many bytes
 *
 * Options: `rows` (out of memory in a pass of more rows than that), `loadMs`, `loadFails`.
 */
import type { EngineJob, EngineOutcome } from "../engine-protocol.ts";
import { runEngine } from "../run-engine.ts";

interface Script {
  rows?: number;
  loadMs?: number;
  loadFails?: boolean;
}

runEngine({
  async load(options, log) {
    const { SpeechError } = await import("@parlance/contracts");
    const { rows = Number.POSITIVE_INFINITY, loadMs = 0, loadFails = false } = options as Script;
    block(loadMs);
    if (loadFails) throw new SpeechError("validation_failed", "no such model", { param: "MODEL_ID" });
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
      },
      async run(jobs) {
        if (jobs.length > rows) throw new SpeechError("engine_out_of_memory");
        const scripts = jobs.map(({ payload }) => new TextDecoder().decode(payload.subarray(0, 200)).split(" "));
        if (scripts.some(([verb, limit]) => verb === "oom" && jobs.length > Number(limit))) {
          throw new SpeechError("engine_out_of_memory");
        }
        block(Math.max(0, ...scripts.map(([verb, ms]) => (verb === "sleep" ? Number(ms) : 0))));
        return scripts.map((words, row) => act(words, jobs[row], jobs.length));
      },
    };
  },
});

function act(words: string[], job: EngineJob | undefined, passSize: number): EngineOutcome {
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
    case "big":
      return { ok: true, meta: { text, passSize }, payload: new Uint8Array(Number(words[1])).fill(7) };
  }
  return { ok: true, meta: { text, passSize, given: job?.meta ?? null } };
}

/** As ONNX Runtime does: the thread does nothing else meanwhile. */
function block(ms: number): void {
  if (ms > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
