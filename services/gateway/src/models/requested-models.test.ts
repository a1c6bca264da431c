/** Requests that name their model, over HTTP; a fake worker loads models, and the fake pipeline says by which of them it heard. */
import { setTimeout as pause } from "node:timers/promises";
import { errorBodySchema, SpeechError } from "@parlance/contracts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { answerModels, type FakeModels } from "../testing/fake-models.ts";
import {
  audioForm,
  eventually,
  startRig,
  startTestGateway,
  type TestGateway,
  type TestRig,
} from "../testing/test-gateway.ts";
import { readEvents, scriptText } from "../transcribe/stream/testing/scripted-text.ts";

const A = "parlance-en";
const B = "someone/model-b";
const C = "someone/model-c";

let rig: TestRig;
let gateway: TestGateway;
let models: FakeModels;

beforeAll(async () => {
  rig = await startRig();
});
afterAll(async () => await rig.close());
beforeEach(async () => {
  models = await answerModels(rig.pipeline.bus, [A, B, C]);
  rig.pipeline.model = () => models.loaded;
  // What it knows of the models is of this test alone.
  gateway = await startTestGateway(rig.server);
});
afterEach(async () => {
  models.stop();
  await rig.pipeline.bus.flush();
  await gateway.close();
});

const path = "/v1/audio/transcriptions";
interface Asking {
  audio?: string;
  at?: TestGateway;
  path?: string;
  signal?: AbortSignal;
}

async function ask(model: string | undefined, { audio = "who:0", at = gateway, path: to = path, signal }: Asking = {}) {
  const body = audioForm("file", audio, "a.wav", model === undefined ? {} : { model });
  return await at.json(to, { method: "POST", body, ...(signal && { signal }) });
}

async function heardBy(model: string | undefined, asking?: Asking): Promise<string> {
  const { status, body } = await ask(model, asking);
  expect(status, JSON.stringify(body)).toBe(200);
  return (body as { text: string }).text;
}

async function refusedBy(model: string | undefined, asking?: Asking) {
  const { status, headers, body } = await ask(model, asking);
  return { status, headers, error: errorBodySchema.parse(body).error };
}

describe("a request's model", () => {
  test("is whichever runs where it names none, or OpenAI's own: nothing is loaded", async () => {
    for (const name of [undefined, "", "whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe-2025-12-15"]) {
      expect(await heardBy(name)).toBe(A);
    }
    expect(models.loads).toEqual([]);
  });

  test("is the one that runs by each of its names: nothing is loaded", async () => {
    for (const name of [A, A.toUpperCase()]) expect(await heardBy(name)).toBe(A);
    expect(models.loads).toEqual([]);
  });

  test("is loaded when it lies on the workers' disks, and stays for those who name none", async () => {
    expect(await heardBy("model-b")).toBe(B);
    expect(await heardBy(B)).toBe(B);
    expect(await heardBy(undefined)).toBe(B);
    expect(await heardBy("whisper-1")).toBe(B);
    expect(models.loads).toEqual([B]);
    expect(await heardBy(A, { path: "/v1/audio/translations" })).toBe(A);
    expect(models.loads).toEqual([B, A]);
  });

  test("that is nowhere is 404 before anything is published, and not to be tried again", async () => {
    const { length } = rig.pipeline.seen;
    for (const to of [path, "/v1/audio/translations", `${path}/stream`]) {
      const { status, headers, error } = await refusedBy("whisper-large-v3", { path: to });
      expect(status).toBe(404);
      expect(error).toMatchObject({ code: "model_not_found", param: "model", type: "invalid_request_error" });
      expect(error.message).toContain(
        `There are ${A}, ${B}, ${C}; another is fetched with POST /api/v1/models/asr/load`,
      );
      expect(headers.get("x-should-retry")).toBe("false");
    }
    expect(rig.pipeline.seen).toHaveLength(length);
    expect(models.loads).toEqual([]);
  });

  test("is not loaded for a request where MODELS_ON_REQUEST is off: 404 says so", async () => {
    const off = await startTestGateway(rig.server, { MODELS_ON_REQUEST: "off" });
    const { status, error } = await refusedBy(B, { at: off });
    expect(status).toBe(404);
    expect(error).toMatchObject({ code: "model_not_found", param: "model" });
    expect(error.message).toContain("MODELS_ON_REQUEST");
    expect(await heardBy(A, { at: off })).toBe(A);
    expect(await heardBy("whisper-1", { at: off })).toBe(A);
    expect(models.loads).toEqual([]);
    await off.close();
  });

  test("of which no worker knows is waited for while none answers, and answered by no other", async () => {
    models.stop();
    await rig.pipeline.bus.flush();
    const patient = await startTestGateway(rig.server, { REQUEST_TIMEOUT: "2" });
    expect((await ask(B, { at: patient, audio: "wait" })).status).toBe(504);
    rig.pipeline.model = () => B;
    expect(await heardBy("model-b", { at: patient })).toBe(B);
    rig.pipeline.model = () => "another";
    const { status, error } = await refusedBy(B, { at: patient });
    expect([status, error.code]).toEqual([503, "model_not_ready"]);
    await patient.close();
  });
});

describe("requests of different models", () => {
  test("take turns: each is answered by its own, and what waits for a model shares a turn of it", async () => {
    models.onLoad = async () => void (await pause(30));
    const wanted = [A, A, A, B, B, C, undefined];
    const perClient = 5;
    const client = async (model: string | undefined) => {
      for (let n = 0; n < perClient; n += 1) {
        const by = await heardBy(model, { audio: `who:${20 + ((n * 7) % 30)}` });
        if (model !== undefined) expect(by).toBe(model);
      }
    };
    await Promise.all(wanted.map(client));
    expect(models.loads.every((load) => [A, B, C].includes(load))).toBe(true);
    // Three models that are always wanted: a turn of each for each round of requests, and not one for each request.
    expect(models.loads.length).toBeLessThanOrEqual(3 * perClient);
    expect(models.loads.length).toBeGreaterThanOrEqual(2);
  });

  test("do not wait for one whose caller went away while it waited, and its audio is never published", async () => {
    const long = heardBy(A, { audio: "who:800" });
    await eventually(async () => rig.pipeline.seen.some(({ data }) => `${data}` === "who:800") || undefined);
    const leaving = new AbortController();
    const left = ask(B, { audio: "who:1", signal: leaving.signal }).catch(() => "left");
    await pause(600);
    const behind = heardBy(A, { audio: "who:2" });
    leaving.abort();
    expect(await left).toBe("left");
    expect([await long, await behind]).toEqual([A, A]);
    expect(models.loads).toEqual([]);
    expect(rig.pipeline.seen.map(({ data }) => `${data}`)).not.toContain("who:1");
  });

  test("take nothing away from those that name none and run already, whichever endpoint they came by", async () => {
    const order: string[] = [];
    models.onLoad = async (model) => void order.push(`load ${model}`);
    const file = await gateway.upload("who:700");
    const transcribed = gateway
      .post("/api/v1/transcribe", { files: [{ file_id: file }] })
      .then(() => order.push("answered"));
    await eventually(async () => rig.pipeline.seen.some(({ data }) => `${data}`.includes(file)) || undefined);
    expect(await heardBy(B)).toBe(B);
    await transcribed;
    expect(order).toEqual(["answered", `load ${B}`]);
  });

  test("are told after REQUEST_TIMEOUT that their turn has not come", async () => {
    const impatient = await startTestGateway(rig.server, { REQUEST_TIMEOUT: "1" });
    const loading = Promise.withResolvers<undefined>();
    models.onLoad = () => loading.promise;
    const { status, headers, error } = await refusedBy(B, { at: impatient });
    expect([status, error.code]).toEqual([503, "model_not_ready"]);
    expect(headers.get("retry-after")).toBe("30");
    loading.resolve(undefined);
    await impatient.close();
  });
});

describe("an answer by another model", () => {
  test("that somebody loaded meanwhile is thrown away, and the request runs again", async () => {
    expect(await heardBy(A)).toBe(A);
    const { length } = rig.pipeline.seen;
    models.becomes(C);
    expect(await heardBy(A)).toBe(A);
    expect(rig.pipeline.seen).toHaveLength(length + 2);
  });

  test("is never given: who is always answered by another is told so after a few runs", async () => {
    rig.pipeline.model = () => C;
    const { length } = rig.pipeline.seen;
    const { status, headers, error } = await refusedBy(B);
    expect(error.message).toBe(`The model ${B} was replaced while it ran: ${C} was loaded by somebody else.`);
    expect([status, error.code, headers.get("x-should-retry")]).toEqual([503, "model_not_ready", "true"]);
    expect(rig.pipeline.seen).toHaveLength(length + 4);
  });

  test("is thrown away where the text is streamed too: as long as nothing of it was told, it runs again", async () => {
    expect(await heardBy(A)).toBe(A);
    models.becomes(C);
    const body = audioForm("file", "who:0", "a.wav", { model: A, stream: "true" });
    const text = await (await gateway.call(path, { method: "POST", body })).text();
    const events = text
      .split("\n\n")
      .filter((each) => each.startsWith("data: "))
      .map((each) => JSON.parse(each.slice(6)));
    expect(events.map(({ type, delta, text: whole }) => `${type} ${delta ?? whole}`)).toEqual([
      `transcript.text.delta ${A}`,
      `transcript.text.done ${A}`,
    ]);
  });
});

test("two gateways that know nothing of each other load over each other's heads, and yet answer nobody with another's text", async () => {
  models.onLoad = async () => void (await pause(30));
  const other = await startTestGateway(rig.server);
  const outcomes = { answered: 0, refused: 0 };
  const client = async (at: TestGateway, model: string) => {
    for (let n = 0; n < 6; n += 1) {
      const { status, body } = await ask(model, { at, audio: `who:${20 + n * 5}` });
      if (status === 200) {
        expect((body as { text: string }).text).toBe(model);
        outcomes.answered += 1;
      } else {
        expect(errorBodySchema.parse(body).error.code).toBe("model_not_ready");
        outcomes.refused += 1;
      }
    }
  };
  await Promise.all([client(gateway, A), client(gateway, A), client(other, B), client(other, B)]);
  await other.close();
  expect(outcomes.answered).toBeGreaterThan(12);
});

test("a stream whose model is replaced after some of its text was told ends with an error, and with no text of the other", async () => {
  const before = rig.pipeline.seen.length;
  const body = audioForm("file", "wait", "a.wav", { model: A, stream: "true", language: "en" });
  const response = await gateway.call(path, { method: "POST", body });
  const batchId = await eventually(async () => rig.pipeline.seen[before]?.subject.split(".")[3]);
  const says = scriptText(rig.pipeline.bus, batchId);
  await says.result(0, "By the first.", { model: A });
  const events = readEvents(response);
  expect((await events.next()).value).toMatchObject({ delta: "By the first." });
  await says.part(1, "By the other", C);
  const { value } = await events.next();
  expect(value?.error).toMatchObject({ code: "model_not_ready" });
  expect((await events.next()).done).toBe(true);
});

test("what a request may name is listed and found; so are the names that stand for any, which are not listed", async () => {
  const { body } = await gateway.json("/v1/models");
  expect((body as { data: { id: string }[] }).data.map(({ id }) => id)).toEqual([A, B, C]);
  for (const id of [A, encodeURIComponent(B), "whisper-1", "gpt-4o-mini-transcribe-2025-12-15"]) {
    const found = await gateway.json(`/v1/models/${id}`);
    expect(found).toMatchObject({ status: 200, body: { id: decodeURIComponent(id), object: "model", family: "asr" } });
  }
  expect((await gateway.json("/v1/models/model-d")).status).toBe(404);
});

describe("a model that cannot be loaded", () => {
  test("for want of memory is told in the loader's words, with when to come again; the one before takes its place", async () => {
    models.onLoad = async (model) => {
      if (model === A) await pause(2_500);
      if (model !== B) return undefined;
      return {
        phase: "waiting",
        problem: { code: "memory_short", message: "model-b needs 9.0 GB, and 1.0 GB are free." },
      };
    };
    const others = Promise.all(Array.from({ length: 20 }, (_, n) => pause(n * 100).then(() => heardBy(undefined))));
    others.catch(() => undefined);
    const { status, headers, error } = await refusedBy(B);
    expect([status, error.code]).toEqual([503, "memory_short"]);
    expect(error.message).toBe(`The model ${B} cannot be loaded: model-b needs 9.0 GB, and 1.0 GB are free.`);
    expect([headers.get("x-should-retry"), headers.get("retry-after")]).toEqual(["true", "30"]);
    expect(await heardBy(A)).toBe(A);
    // Whoever asked for no model is not told of it.
    expect(new Set(await others)).toEqual(new Set([A]));
    expect(models.loads).toEqual([`${B} waiting`, A]);
    // It is not tried again at once.
    expect((await refusedBy(B)).error.code).toBe("memory_short");
    expect(models.loads).toHaveLength(2);
  });

  test("for what its files are is told once and for all: nobody is asked to come again", async () => {
    models.onLoad = async (model) => {
      if (model === B)
        throw new SpeechError("validation_failed", "weights.bin has another checksum", { param: "MODEL_ID" });
      return undefined;
    };
    const [first, second, other] = await Promise.all([refusedBy(B), refusedBy("model-b"), heardBy(C)]);
    for (const { status, headers, error } of [first, second]) {
      expect([status, error.code, error.param]).toEqual([503, "model_not_ready", null]);
      expect(error.message).toBe(`The model ${B} cannot be loaded: weights.bin has another checksum`);
      expect([headers.get("x-should-retry"), headers.get("retry-after")]).toEqual(["false", null]);
    }
    expect(other).toBe(C);
    expect(await heardBy(undefined)).toBe(C);
    expect(models.loads.filter((load) => load.startsWith(B))).toEqual([`${B} failed`]);
  });
});
