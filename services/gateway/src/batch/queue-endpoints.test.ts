import { connectBus } from "@parlance/bus";
import { answerAsWorker } from "@parlance/bus/testing";
import {
  batchStatusSchema,
  streams,
  submissionSchema,
  submitResponseSchema,
  timedId,
  type WorkerState,
} from "@parlance/contracts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startRig, startTestGateway, type TestGateway, type TestRig } from "../testing/test-gateway.ts";

let rig: TestRig;
let gateway: TestGateway;

beforeAll(async () => {
  rig = await startRig();
  gateway = await startTestGateway(rig.server);
});
afterAll(async () => {
  await gateway.close();
  await rig.close();
});

const submit = (body: unknown, headers?: Record<string, string>) => gateway.post("/api/v1/queue/submit", body, headers);
const item = (ref_audio: string, more: object = {}) => ({ operation: "transcribe", ref_audio, text: "", ...more });

async function finished(batchId: string) {
  return await eventually(async () => {
    const { body } = await gateway.json(`/api/v1/queue/status/${batchId}`);
    const status = batchStatusSchema.parse(body);
    return status.completed + status.failed === status.total ? status : undefined;
  });
}

describe("the queue", () => {
  test("takes the guide's own request, and its items become transcripts", async () => {
    const [good, bad] = await Promise.all([gateway.upload("say:the text"), gateway.upload("fail:audio_corrupt")]);
    const { status, body } = await submit({
      label: "My Long Recording Job",
      items: [
        item(good, { language: "auto", return_timestamps: true, custom_id: "chunk_001" }),
        item(bad, { language: "English", custom_id: "chunk_002" }),
      ],
    });
    expect(status).toBe(200);
    const answer = submitResponseSchema.parse(body);
    expect(answer).toMatchObject({ total_items: 2, status: "queued" });
    expect(new Set(answer.item_ids).size).toBe(2);
    const batch = await finished(answer.batch_id);
    expect(batch).toMatchObject({
      label: "My Long Recording Job",
      status: "partial",
      completed: 1,
      failed: 1,
      items: [
        { item_id: answer.item_ids[0], custom_id: "chunk_001", status: "done", error: null },
        { custom_id: "chunk_002", status: "error", url: null, error: "The audio could not be decoded." },
      ],
    });
    const transcript = await gateway.json(batch.items[0]?.url ?? "");
    expect(transcript.body).toEqual({
      text: "the text",
      language: "English",
      timestamps: [{ start: 0, end: 0.5, text: "the text" }],
      segments: [expect.objectContaining({ id: 0, seek: 0, start: 0, text: "the text" })],
    });
  });

  test("a file that nobody knows refuses the submission before any work, by its field", async () => {
    const good = await gateway.upload("say:fine");
    rig.pipeline.seen.length = 0;
    for (const [unknown, code] of [
      ["no-such-file", "file_not_found"],
      [timedId(Date.now() - 3_600_000), "file_expired"],
    ] as const) {
      const answer = await submit({ items: [item(good), item(unknown)] });
      expect(answer).toMatchObject({ status: 404, body: { error: { code, param: "items.1.ref_audio" } } });
    }
    expect(rig.pipeline.seen).toEqual([]);
  });

  test("1000 items are one batch", async () => {
    const file = await gateway.upload("say:many");
    const items = Array.from({ length: 1_000 }, (_, index) => item(file, { custom_id: `c${index}` }));
    const { body } = await submit({ items });
    const batch = await finished(submitResponseSchema.parse(body).batch_id);
    expect(batch).toMatchObject({ status: "completed", completed: 1_000 });
    expect(batch.items[999]?.custom_id).toBe("c999");
  });

  test.each([
    ["no items", {}, "items"],
    ["an empty list", { items: [] }, "items"],
    ["1001 items", { items: Array.from({ length: 1_001 }, () => item("a")) }, "items"],
    ["an unknown operation", { items: [{ operation: "sing", ref_audio: "a" }] }, "items.0.operation"],
    ["no audio", { items: [{ operation: "transcribe" }] }, "items.0.ref_audio"],
    ["a path for a file", { items: [item("../../etc/passwd")] }, "items.0.ref_audio"],
    ["an unknown language", { items: [item("a", { language: "Klingon" })] }, "items.0.language"],
    ["a context without end", { items: [item("a", { context: "x".repeat(5_000) })] }, "items.0.context"],
    ["a prompt without end", { items: [item("a", { prompt: "x".repeat(5_000) })] }, "items.0.prompt"],
    ["two contexts", { items: [item("a", { context: "x", prompt: "y" })] }, "items.0.prompt"],
    ["a text for a flag", { items: [item("a", { return_timestamps: "yes" })] }, "items.0.return_timestamps"],
    [
      "duplicate custom ids",
      { items: [item("a", { custom_id: "x" }), item("b", { custom_id: "x" })] },
      "items.1.custom_id",
    ],
    ["a custom id with a line break", { items: [item("a", { custom_id: "x\ny" })] }, "items.0.custom_id"],
    ["a list for a body", [1], undefined],
  ])("%s is 422 and names the field", async (_name, body, param) => {
    const answer = await submit(body);
    expect(answer).toMatchObject({ status: 422, body: { error: { code: "validation_failed", param: param ?? null } } });
  });

  test("an item's context travels with it, under either name", async () => {
    rig.pipeline.seen.length = 0;
    const [a, b, c] = await Promise.all(["say:1", "say:2", "say:3"].map((text) => gateway.upload(text)));
    const context = 'Meeting of 3 May:\n"Größe" & NATS';
    const items = [item(a ?? "", { context, language: "sw" }), item(b ?? "", { prompt: context }), item(c ?? "")];
    await finished(submitResponseSchema.parse((await submit({ items })).body).batch_id);
    const { items: sent } = submissionSchema.parse(JSON.parse(rig.pipeline.seen[0]?.data.toString() ?? ""));
    expect(sent.map((each) => each.context)).toEqual([context, context, ""]);
    expect(sent[0]?.language).toBe("Swahili");
  });

  test("an item's translate and temperature travel with it", async () => {
    rig.pipeline.seen.length = 0;
    const [a, b] = await Promise.all(["say:1", "say:2"].map((text) => gateway.upload(text)));
    const items = [item(a ?? "", { translate: true, temperature: 0.4 }), item(b ?? "")];
    await finished(submitResponseSchema.parse((await submit({ items })).body).batch_id);
    const { items: sent } = submissionSchema.parse(JSON.parse(rig.pipeline.seen[0]?.data.toString() ?? ""));
    expect(sent).toMatchObject([
      { translate: true, temperature: 0.4 },
      { translate: false, temperature: 0 },
    ]);
    const answer = await submit({ items: [item(a ?? "", { temperature: 1.5 })] });
    expect(answer).toMatchObject({ status: 422, body: { error: { param: "items.0.temperature" } } });
  });

  test("a submission that no message holds is told so", async () => {
    const hotwords = Array.from({ length: 1_000 }, (_, index) => `${index}${"x".repeat(200)}`);
    const file = await gateway.upload("say:x");
    const answer = await submit({ items: Array.from({ length: 8 }, () => item(file, { hotwords })) });
    expect(answer).toMatchObject({ status: 413, body: { error: { code: "payload_too_large", param: "items" } } });
  });

  test("with ENABLE_ASR off nothing is transcribed, and it is said", async () => {
    const off = await startTestGateway(rig.server, { ENABLE_ASR: "false" });
    for (const [path, body] of [
      ["/api/v1/queue/submit", { items: [item("a")] }],
      ["/api/v1/transcribe", { files: [{ file_id: "a" }] }],
    ] as const) {
      expect(await off.post(path, body)).toMatchObject({
        status: 400,
        body: { error: { code: "operation_unavailable" } },
      });
    }
    await off.close();
  });

  test("status of an unknown batch is 404", async () => {
    for (const id of ["nobody", "%3E", "a.b", "x".repeat(300)]) {
      const answer = await gateway.json(`/api/v1/queue/status/${id}`);
      expect(answer).toMatchObject({ status: 404, body: { error: { code: "batch_not_found" } } });
    }
  });
});

describe("texts to speak", () => {
  const speak = (more: object = {}) => ({ operation: "custom_voice", text: "Good morning.", ...more });
  const clone = (more: object = {}) => speak({ operation: "voice_clone", ref_audio: "a", ref_text: "Hello.", ...more });
  const design = (more: object = {}) => speak({ operation: "voice_design", instructions: "an old sailor", ...more });

  /** A gateway of its own, that knows only the worker that answers here. */
  async function withWorker<T>(abilities: Partial<WorkerState>, work: (own: TestGateway) => Promise<T>): Promise<T> {
    const bus = await connectBus({ name: "worker", ...rig.server.as() });
    await answerAsWorker(bus, abilities);
    const own = await startTestGateway(rig.server);
    try {
      return await work(own);
    } finally {
      await own.close();
      await bus.close();
    }
  }

  test("travel with everything that was asked of them, beside audio in one submission", async () => {
    const file = await gateway.upload("say:heard");
    rig.pipeline.seen.length = 0;
    const { status, body } = await submit({
      items: [
        item(file),
        speak({ speaker: "slt", speed: 1.5, response_format: "flac", custom_id: "one" }),
        design(),
        clone({ ref_audio: file, x_vector_only_mode: true, ref_text: "" }),
      ],
    });
    expect(status).toBe(200);
    await eventually(async () => rig.pipeline.seen[0]);
    const { items } = JSON.parse(rig.pipeline.seen[0]?.data.toString() ?? "");
    expect(submitResponseSchema.parse(body).total_items).toBe(4);
    expect(items).toMatchObject([
      { operation: "transcribe", file },
      { operation: "custom_voice", text: "Good morning.", voice: "slt", speed: 1.5, format: "flac", customId: "one" },
      { operation: "voice_design", instructions: "an old sailor", format: "wav", speed: 1 },
      { operation: "voice_clone", file, xVectorOnly: true },
    ]);
  });

  test.each<[string, object, number, string, string]>([
    ["no text", speak({ text: "" }), 422, "text_empty", "text"],
    ["5,000 characters", speak({ text: "word ".repeat(1_000) }), 422, "text_too_long", "text"],
    ["only emoji", speak({ text: "\u{1f600}\u{1f389}" }), 422, "text_unspeakable", "text"],
    ["control characters", speak({ text: "a\u0007b" }), 422, "text_unspeakable", "text"],
    ["an unknown format", speak({ response_format: "aac" }), 400, "format_unsupported", "response_format"],
    ["too fast", speak({ speed: 4.5 }), 422, "validation_failed", "speed"],
    ["a voice that is a path", speak({ voice: "../a" }), 422, "validation_failed", "voice"],
    ["a clone of nothing", clone({ ref_audio: undefined }), 422, "validation_failed", "ref_audio"],
    ["a clone without its text", clone({ ref_text: "" }), 400, "reference_text_missing", "ref_text"],
    ["a clone with instructions", clone({ instruct: "sad" }), 400, "instructions_unsupported", "instructions"],
    ["a design without a description", design({ instructions: "" }), 422, "validation_failed", "instructions"],
  ])("%s is told with its field", async (_name, wrong, status, code, field) => {
    const answer = await submit({ items: [speak(), wrong] });
    expect(answer).toMatchObject({ status, body: { error: { code, param: `items.1.${field}` } } });
  });

  test("what the loaded model cannot do is 400 and says whether another one could", async () => {
    const abilities: Partial<WorkerState> = {
      operations: ["custom_voice"],
      languages: ["English"],
      voices: [{ id: "slt", name: "SLT", gender: "female", language: "English" }],
      instructions: false,
    };
    await withWorker(abilities, async (own) => {
      const post = async (body: object) => await own.post("/api/v1/queue/submit", { items: [body] });
      expect((await post(speak({ voice: "slt" }))).status).toBe(200);
      expect(await post(clone())).toMatchObject({
        status: 400,
        body: {
          error: {
            code: "operation_unavailable",
            param: "items.0.operation",
            message: expect.stringContaining("no model that can be loaded here does"),
          },
        },
      });
      for (const [wrong, code, field] of [
        [speak({ voice: "alloy" }), "voice_unknown", "voice"],
        [speak({ instructions: "sad" }), "instructions_unsupported", "instructions"],
        [speak({ language: "German" }), "language_unsupported", "language"],
      ] as const) {
        expect((await post(wrong)).body).toMatchObject({ error: { code, param: `items.0.${field}` } });
      }
    });
  });

  test("with ENABLE_TTS off nothing is spoken, and it is said", async () => {
    const off = await startTestGateway(rig.server, { ENABLE_TTS: "false" });
    expect(await off.post("/api/v1/queue/submit", { items: [speak()] })).toMatchObject({
      status: 400,
      body: { error: { code: "operation_unavailable" } },
    });
    await off.close();
  });
});

describe("cancelling", () => {
  test("ends what is not done; again, or too late, it says so", async () => {
    const [good, never] = await Promise.all([gateway.upload("say:kept"), gateway.upload("wait")]);
    const { body } = await submit({ items: [item(good), item(never)] });
    const { batch_id } = submitResponseSchema.parse(body);
    await eventually(async () => {
      const status = await gateway.json(`/api/v1/queue/status/${batch_id}`);
      return batchStatusSchema.parse(status.body).completed === 1 ? true : undefined;
    });
    const path = `/api/v1/queue/${batch_id}/cancel`;
    expect((await gateway.post(path, "")).body).toEqual({ batch_id, cancelled: true });
    const batch = await finished(batch_id);
    expect(batch.items.map(({ error_code }) => error_code)).toEqual([null, "cancelled"]);
    await eventually(() => rig.pipeline.bus.last(streams.results, `speech.summary.${batch_id}`));
    expect((await gateway.post(path, "")).body).toEqual({ batch_id, cancelled: false });
  });

  test("an unknown batch is 404", async () => {
    expect((await gateway.post("/api/v1/queue/nobody/cancel", "")).status).toBe(404);
  });
});

describe("Idempotency-Key", () => {
  const request = (file: string) => ({ items: [item(file)] });

  test("100 parallel posts over two gateways are one batch", async () => {
    const other = await startTestGateway(rig.server);
    const file = await gateway.upload("say:once");
    rig.pipeline.seen.length = 0;
    const headers = { "idempotency-key": "hundred" };
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        (index % 2 === 0 ? gateway : other).post("/api/v1/queue/submit", request(file), headers),
      ),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    await finished(submitResponseSchema.parse(answers[0]?.body).batch_id);
    expect(rig.pipeline.seen).toHaveLength(1);
    await other.close();
  });

  test("works across a gateway's restart, and however the body is written", async () => {
    const headers = { "idempotency-key": "restart" };
    const first = await submit(request("a"), headers);
    const again = await startTestGateway(rig.server);
    const second = await again.post(
      "/api/v1/queue/submit",
      '{"items": [ {"text":"", "language":"auto", "ref_audio":"a", "operation":"transcribe"} ]}',
      headers,
    );
    expect(second.body).toEqual(first.body);
    await again.close();
  });

  test("another body is a conflict", async () => {
    const headers = { "idempotency-key": "conflict" };
    await submit(request("a"), headers);
    const answer = await submit(request("b"), headers);
    expect(answer).toMatchObject({ status: 422, body: { error: { code: "idempotency_conflict" } } });
  });

  test("a claim whose gateway died before it published is published by the next try", async () => {
    const file = await gateway.upload("say:healed");
    rig.pipeline.seen.length = 0;
    // The bus refuses to publish once, as when the process ends between the claim and the publish.
    const dying = await startTestGateway(rig.server);
    const publishOnce = dying.bus.publishOnce;
    dying.bus.publishOnce = async () => {
      dying.bus.publishOnce = publishOnce;
      throw new Error("killed here");
    };
    const headers = { "idempotency-key": "healed" };
    expect((await dying.post("/api/v1/queue/submit", request(file), headers)).status).toBe(500);
    expect(rig.pipeline.seen).toHaveLength(0);
    await dying.close();
    const healed = await submit(request(file), headers);
    const batch = await finished(submitResponseSchema.parse(healed.body).batch_id);
    expect(batch.status).toBe("completed");
    expect(rig.pipeline.seen).toHaveLength(1);
  });

  test("two callers may use one key for two things", async () => {
    const keyed = await startTestGateway(rig.server, { API_KEYS: "alice-key,bob-key" });
    const post = (key: string, file: string) =>
      keyed.post("/api/v1/queue/submit", request(file), { "idempotency-key": "shared", "x-api-key": key });
    const [a, b] = [await gateway.upload("say:a"), await gateway.upload("say:b")];
    const [alice, bob] = [await post("alice-key", a), await post("bob-key", b)];
    expect([alice.status, bob.status]).toEqual([200, 200]);
    expect(alice.body).not.toEqual(bob.body);
    await keyed.close();
  });

  test("a key that is no key is refused", async () => {
    const answer = await submit(request("a"), { "idempotency-key": "x".repeat(256) });
    expect(answer).toMatchObject({ status: 422, body: { error: { param: "Idempotency-Key" } } });
  });
});
