import { setTimeout as pause } from "node:timers/promises";
import { changeWorkerModel } from "@parlance/bus";
import {
  errorBodySchema,
  type ModelRequest,
  type ModelState,
  type ModelVerb,
  modelListSchema,
  modelStateSchema,
  modelSubjects,
  SpeechError,
} from "@parlance/contracts";
import { describe, expect, test } from "vitest";
import { livingEngines } from "../testing/pipeline.ts";
import { useWorkers } from "../testing/workers.ts";
import type { ModelSource } from "./ready-model.ts";

const rig = useWorkers();
const { start } = rig;

async function ask(verb: ModelVerb, payload = "", family: "asr" | "tts" = "asr"): Promise<unknown> {
  const answer = await rig.pipeline.bus.request(modelSubjects.verb(family, verb), payload, 10_000);
  if (answer === undefined) throw new Error("nobody answered");
  return JSON.parse(new TextDecoder().decode(answer));
}
const askState = async (...question: Parameters<typeof ask>): Promise<ModelState> =>
  modelStateSchema.parse(await ask(...question));
const askError = async (...question: Parameters<typeof ask>) => errorBodySchema.parse(await ask(...question)).error;

/** Models `a` and `b`; each is as slow to get ready and to load as it says. */
function twoModels(options: { ready?: boolean; readyMs?: number; fails?: () => boolean } = {}): ModelSource {
  return {
    selected: "a",
    folder: undefined,
    ready: options.ready ?? true,
    async getReady(id, { signal, onDownload }) {
      onDownload({ model: id, bytes: 1, totalBytes: 2, bytesPerSecond: 3 });
      await pause(options.readyMs ?? 0, undefined, { signal });
      if (options.fails?.()) throw new SpeechError("model_unavailable", "the hub is away");
      return { name: `model ${id}`, folder: `/models/${id}`, options: {}, maxBatchSize: 2 };
    },
    async admit(id) {
      if (id !== "a" && id !== "b") throw new SpeechError("model_not_found", `no ${id}`, { param: "model" });
    },
    list: async () => [{ id: "a", folder: "/a", family: "asr", architecture: "x", bytes: 1, complete: true }],
    facts: { cuda: { available: false, version: null, deviceCount: 0 }, threads: 2, beamSize: 5, cacheDir: "/models" },
  };
}

describe("a model managed by hand", () => {
  test("is loaded without any job, through the lease, and unloaded again", async () => {
    const worker = await start();
    expect(await askState("config")).toMatchObject({ phase: "unloaded", batchSize: 4, workerPid: process.pid });
    const loaded = await askState("load");
    expect(loaded).toMatchObject({ phase: "loaded", computeType: "float32", enginePid: livingEngines()[0] });
    expect(loaded.totalSeconds).toBeGreaterThan(0);
    expect(worker.state()).toMatchObject({ loaded: true, passes: 0 });
    expect(await askState("load")).toMatchObject({ enginePid: loaded.enginePid });
    expect(await askState("unload")).toMatchObject({ phase: "unloaded" });
    expect(livingEngines()).toEqual([]);
    expect(await askState("unload")).toMatchObject({ phase: "unloaded" });
  });

  test("serves jobs after it was unloaded: it is loaded with the next one", async () => {
    await start();
    await askState("load");
    await askState("unload");
    await rig.pipeline.publish("batch", ["echo 1"]);
    expect(await rig.pipeline.done(1)).toMatchObject([{ outcome: "ok" }]);
  });

  test("that is unloaded under a running pass ends after it", async () => {
    await start();
    await askState("load");
    await rig.pipeline.publish("batch", ["sleep 500"]);
    while ((await askState("config")).phase !== "loaded") await pause(10);
    await pause(200);
    await askState("unload");
    expect(await rig.pipeline.done(1)).toMatchObject([{ outcome: "ok", text: "sleep 500" }]);
  });

  test("is reloaded as another process", async () => {
    await start();
    const { enginePid } = await askState("load");
    const again = await askState("reload");
    expect(again.phase).toBe("loaded");
    expect(again.enginePid).not.toBe(enginePid);
  });

  test("that cannot be loaded is said so, and the next try is not put off", async () => {
    await start({ engineOptions: { loadFails: true } });
    for (let n = 0; n < 3; n += 1) expect(await askError("load")).toMatchObject({ code: "validation_failed" });
  });

  test("waits for its turn while another family works, and yields when it has nothing to do", async () => {
    await start();
    await start({ family: "tts", operations: ["custom_voice"] });
    await askState("load", "", "tts");
    expect(await askState("load")).toMatchObject({ family: "asr", phase: "loaded" });
    expect(await askState("config", "", "tts")).toMatchObject({ phase: "unloaded" });
  });

  test("is answered for by the worker that has it, and the others keep silent", async () => {
    await start();
    await start();
    for (const verb of ["load", "reload", "unload"] as const) {
      const { connection } = rig.pipeline.bus;
      const wait = { strategy: "stall", maxWait: 10_000, stall: 400 } as const;
      const answers: ModelState[] = [];
      for await (const answer of await connection.requestMany(modelSubjects.verb("asr", verb), "", wait)) {
        answers.push(modelStateSchema.parse(answer.json()));
      }
      expect(answers).toMatchObject([{ phase: verb === "unload" ? "unloaded" : "loaded" }]);
    }
  });

  test("of several accelerators is loaded on the one that is named, or on each", async () => {
    const [first, second] = [await start({ accelerator: "cpu-1" }), await start({ accelerator: "cpu-2" })];
    await start({ accelerator: "cpu-2" });
    const { bus } = rig.pipeline;
    const change = async (...args: [verb: "load" | "unload", request?: ModelRequest]) => {
      const states = await changeWorkerModel(bus, "asr", ...args);
      return states.map(({ accelerator, phase }) => `${accelerator} ${phase}`).sort();
    };
    expect(await change("load", { device: "cpu-1" })).toEqual(["cpu-1 loaded"]);
    expect([first, second].map((worker) => worker.state().loaded)).toEqual([true, false]);
    expect(await change("load")).toEqual(["cpu-1 loaded", "cpu-2 loaded"]);
    expect(livingEngines()).toHaveLength(2);
    expect(await change("unload", { device: "cpu-2" })).toEqual(["cpu-2 unloaded"]);
    expect(first.state().loaded).toBe(true);
    // What every host calls its own means each of them.
    expect(await change("unload", { device: "cpu" })).toEqual(["cpu-1 unloaded", "cpu-2 unloaded"]);
    expect(livingEngines()).toEqual([]);
    await expect(change("load", { device: "cuda:1" })).rejects.toMatchObject({
      param: "device",
      message: 'device: no worker is on "cuda:1"; they are on cpu (cpu-1, test), cpu (cpu-2, test)',
    });
  });

  test("a request that makes no sense is refused", async () => {
    await start();
    expect(await askError("load", "{")).toMatchObject({ code: "invalid_json" });
    expect(await askError("load", '{"model":""}')).toMatchObject({ code: "validation_failed", param: "model" });
  });
});

describe("models that are chosen among", () => {
  test("one is got ready before it is loaded, and tells how far it is", async () => {
    await start({ models: twoModels({ ready: false, readyMs: 300 }) });
    const loading = askState("load");
    await pause(150);
    expect(await askState("config")).toMatchObject({ phase: "downloading", download: { model: "a", bytes: 1 } });
    const loaded = await loading;
    expect(loaded).toMatchObject({ phase: "loaded", model: "model a", folder: "/models/a", beamSize: 5, batchSize: 2 });
  });

  test("another one takes the place of what is loaded", async () => {
    await start({ models: twoModels() });
    expect(await askState("load")).toMatchObject({ phase: "loaded", model: "scripted" });
    const { enginePid } = await askState("config");
    const other = await askState("load", '{"model":"b"}');
    expect(other).toMatchObject({ phase: "loaded", model: "model b", folder: "/models/b" });
    expect(other.enginePid).not.toBe(enginePid);
    expect(modelListSchema.parse(await ask("list"))).toMatchObject({ selected: "b", models: [{ id: "a" }] });
    await rig.pipeline.publish("batch", ["echo 1"]);
    expect(await rig.pipeline.done(1)).toMatchObject([{ outcome: "ok" }]);
  });

  test("one that is not there, or cannot be got ready, leaves the old one in its place", async () => {
    let fails = false;
    await start({ models: twoModels({ fails: () => fails }) });
    expect(await askError("load", '{"model":"c"}')).toMatchObject({ code: "model_not_found", param: "model" });
    fails = true;
    expect(await askError("load", '{"model":"b"}')).toMatchObject({ code: "model_unavailable" });
    expect(await askState("config")).toMatchObject({ problem: { code: "model_unavailable" } });
    fails = false;
    expect(await askState("load")).toMatchObject({ phase: "loaded", model: "model a" });
  });

  test("the one from before is taken back where another finds no memory, or cannot be loaded: the trouble goes with it", async () => {
    const models = twoModels();
    const worker = await start({
      memory: async () => ({ freeBytes: 2_000_000_000, totalBytes: 4_000_000_000 }),
      models: {
        ...models,
        admit: async () => {},
        async getReady(id, options) {
          const ready = await models.getReady(id, options);
          if (id === "large") return { ...ready, weightBytes: 9_000_000_000 };
          return id === "broken" ? { ...ready, options: { loadFails: true } } : ready;
        },
      },
    });
    expect(await askState("load", '{"model":"b"}')).toMatchObject({ phase: "loaded", model: "model b" });
    expect(await askState("load", '{"model":"large"}')).toMatchObject({
      phase: "waiting",
      problem: { code: "memory_short" },
    });
    expect(worker.state().trouble?.failure.code).toBe("memory_short");
    expect(await askState("load", '{"model":"b"}')).toMatchObject({ phase: "loaded", model: "model b" });
    expect(worker.state().trouble).toBeUndefined();
    expect(await askError("load", '{"model":"broken"}')).toMatchObject({ code: "validation_failed" });
    expect(await askState("load", '{"model":"b"}')).toMatchObject({ phase: "loaded", model: "model b" });
    expect(worker.state()).toMatchObject({ loaded: true, model: "model b" });
    expect(worker.state().trouble).toBeUndefined();
    await rig.pipeline.publish("batch", ["echo 1"]);
    expect(await rig.pipeline.done(1)).toMatchObject([{ outcome: "ok" }]);
  });

  test("the one of the settings is taken back, though no request may name it", async () => {
    const models = twoModels();
    const admit = async (id: string) => {
      if (id !== "b") throw new SpeechError("model_not_found", `no ${id}`, { param: "model" });
    };
    await start({ models: { ...models, admit } });
    expect(await askState("load", '{"model":"b"}')).toMatchObject({ phase: "loaded", model: "model b" });
    expect(await askState("load", '{"model":"a"}')).toMatchObject({ phase: "loaded", model: "model a" });
    expect(await askError("load", '{"model":"c"}')).toMatchObject({ code: "model_not_found" });
  });

  test("a job waits for a model that cannot be got ready for now", async () => {
    let fails = true;
    await start({ models: twoModels({ ready: false, fails: () => fails }) });
    await rig.pipeline.publish("batch", ["echo 1"]);
    await pause(300);
    expect(await askState("config")).toMatchObject({ phase: "unloaded", problem: { code: "model_unavailable" } });
    fails = false;
    expect(await rig.pipeline.done(1)).toMatchObject([{ outcome: "ok" }]);
  });

  test.each([
    ["is downloaded", (signal: AbortSignal) => pause(30_000, undefined, { signal })],
    ["lies on the disk", () => pause(300)],
  ])(
    "one that is chosen while another %s is what is loaded; who asked for the other is told",
    async (_where, getting) => {
      const models = twoModels({ ready: false });
      await start({
        models: {
          ...models,
          async getReady(id, how) {
            if (id === "a") await getting(how.signal);
            return await models.getReady(id, how);
          },
        },
      });
      const first = askError("load");
      while (!(await askState("config")).phase.startsWith("downloading")) await pause(5);
      const second = askState("load", '{"model":"b"}');
      expect(await first).toMatchObject({ code: "cancelled" });
      expect(await second).toMatchObject({ phase: "loaded", model: "model b", folder: "/models/b" });
    },
  );

  test("two who choose the same one at once both have it", async () => {
    const models = twoModels({ ready: false, readyMs: 100 });
    const admit = async (id: string, ...more: unknown[]) => {
      await pause(50);
      return await models.admit(id, ...(more as []));
    };
    await start({ models: { ...models, admit } });
    const first = askState("load", '{"model":"b"}');
    await pause(20);
    const second = askState("load", '{"model":"b"}');
    for (const loaded of [await first, await second])
      expect(loaded).toMatchObject({ phase: "loaded", model: "model b" });
  });

  test("unloading ends a download that nobody else waits for", async () => {
    await start({ models: twoModels({ ready: false, readyMs: 60_000 }) });
    const loading = askError("load");
    await pause(100);
    await askState("unload");
    expect(await loading).toMatchObject({ code: "cancelled" });
    expect(await askState("config")).toMatchObject({ phase: "unloaded" });
  });
});
