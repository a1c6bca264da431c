/** A worker with several models: a real nats-server, and the scripted engine, which is a real process. */
import { setTimeout as pause } from "node:timers/promises";
import { type ModelState, modelListSchema, modelStateSchema, modelSubjects, SpeechError } from "@parlance/contracts";
import { expect, test, vi } from "vitest";
import { livingEngines } from "../testing/pipeline.ts";
import { useWorkers } from "../testing/workers.ts";
import type { ServedModel } from "./worker-models.ts";

vi.setConfig({ testTimeout: 60_000 });

const rig = useWorkers();

type Change = Partial<ServedModel["model"]> & { getReady?: () => Promise<void>; ready?: boolean };

/** One that is loaded by what its engine is told, and whose files are there unless something else is said. */
function served(name: string, { getReady, ready = true, ...change }: Change = {}): Omit<ServedModel, "operations"> {
  const found = { name, options: {}, maxBatchSize: 4, abilities: { languages: ["English"] }, ...change };
  return {
    model: found,
    source: {
      ...{ selected: name, folder: `/models/${name}`, ready },
      async getReady() {
        await getReady?.();
        return found;
      },
      async admit(id) {
        throw new SpeechError("model_not_found", `no ${id}`, { param: "model" });
      },
      list: async () => [
        { id: name, folder: `/models/${name}`, family: "tts", architecture: "x", bytes: 1, complete: true },
      ],
      facts: { cuda: { available: false, version: null, deviceCount: 0 }, threads: 0 },
    },
  };
}

/** A speaker, and others by their operations. */
function start(designer: Change = {}, cloner: Change = {}, settings = {}) {
  return rig.start({
    ...{ family: "tts", operations: ["custom_voice", "voice_design", "voice_clone"], settings },
    others: [
      { ...served("designer", designer), operations: ["voice_design"] },
      { ...served("cloner", cloner), operations: ["voice_clone"] },
    ],
  });
}

const say = (operation: "custom_voice" | "voice_design" | "voice_clone", scripts: string[], first = 0) =>
  rig.pipeline.publish("batch", scripts, { operation, first });

async function ask(verb: "load" | "config", payload = ""): Promise<ModelState> {
  const answer = await rig.pipeline.bus.request(modelSubjects.verb("tts", verb), payload, 20_000);
  return modelStateSchema.parse(JSON.parse(new TextDecoder().decode(answer)));
}

const four = (word: string) => Array.from({ length: 4 }, (_, n) => `echo ${word} ${n}`);

test("three models of one worker: jobs are grouped by theirs, one engine runs at a time, and the swaps are counted", async () => {
  for (const [n, operation] of (["custom_voice", "voice_design", "voice_clone"] as const).entries()) {
    for (const [at, script] of four(operation).entries()) await say(operation, [script], n * 4 + at);
  }
  let most = 0;
  const counting = setInterval(() => {
    most = Math.max(most, livingEngines().length);
  }, 20);
  const worker = await start();
  const found = await rig.pipeline.done(12);
  clearInterval(counting);
  expect(found.every(({ outcome }) => outcome === "ok")).toBe(true);
  // A pass of each: no row ran among another model's.
  expect(new Set(found.map(({ passSize = 0 }) => passSize))).toEqual(new Set([4]));
  expect(most).toBe(1);
  expect(worker.state().swaps?.count).toBe(3);
  expect(worker.state()).toMatchObject({
    operations: ["custom_voice", "voice_design", "voice_clone"],
    models: [
      { model: "scripted", operations: ["custom_voice"] },
      { model: "designer", operations: ["voice_design"], languages: ["English"] },
      { model: "cloner", operations: ["voice_clone"] },
    ],
  });
  expect(worker.state().models?.filter(({ loaded }) => loaded)).toHaveLength(1);
});

test("one that cannot be had, or cannot be loaded, keeps nothing from the others, and is tried again", async () => {
  let away = true;
  const getReady = async () => {
    if (away) throw new SpeechError("model_unavailable", "the hub is away");
  };
  let loadFails = true;
  const worker = await start({ ready: false, getReady }, { options: () => ({ loadFails }) });
  await say("voice_design", ["echo designed"]);
  await say("voice_clone", ["echo cloned"], 1);
  await expect.poll(() => worker.state().models?.filter(({ trouble }) => trouble).length, { timeout: 20_000 }).toBe(2);
  await say("custom_voice", ["echo spoken"], 2);
  expect(await rig.pipeline.done(1)).toMatchObject([{ item: "2", outcome: "ok" }]);
  expect(worker.state().trouble).toBeUndefined();
  away = false;
  loadFails = false;
  expect((await rig.pipeline.done(3)).map(({ outcome }) => outcome)).toEqual(["ok", "ok", "ok"]);
  expect(worker.state().models?.some(({ trouble }) => trouble)).toBe(false);
});

test("files of one are fetched while another works", async () => {
  const fetched = Promise.withResolvers<void>();
  const worker = await start({ ready: false, getReady: () => fetched.promise });
  await say("voice_design", ["echo designed"]);
  await say("custom_voice", ["echo spoken"], 1);
  expect(await rig.pipeline.done(1)).toMatchObject([{ item: "1", outcome: "ok" }]);
  await pause(200);
  expect(worker.state()).toMatchObject({ loaded: true, model: "scripted", download: undefined });
  fetched.resolve();
  expect(await rig.pipeline.done(2)).toHaveLength(2);
  expect(worker.state()).toMatchObject({ loaded: true, model: "designer" });
});

test("one is loaded by hand by its name, in the place of another", async () => {
  const worker = await start();
  expect(await ask("load")).toMatchObject({ phase: "loaded", model: "scripted" });
  expect(await ask("load", '{"model":"cloner"}')).toMatchObject({ phase: "loaded", model: "cloner" });
  expect(livingEngines()).toHaveLength(1);
  const list = await rig.pipeline.bus.request(modelSubjects.verb("tts", "list"), "", 10_000);
  const { selected, models } = modelListSchema.parse(JSON.parse(new TextDecoder().decode(list)));
  expect([selected, ...models.map(({ id }) => id)]).toEqual(["cloner", "designer", "cloner"]);
  await say("custom_voice", ["echo spoken"]);
  expect(await rig.pipeline.done(1)).toMatchObject([{ outcome: "ok" }]);
  expect(worker.state().model).toBe("scripted");
});
