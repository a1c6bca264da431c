/** A submission by request: one reply that is true, whatever was sent, and nothing lost when it is good. */

import { randomUUID } from "node:crypto";
import { encodeWav, toPcm16 } from "@parlance/audio";
import { voice } from "@parlance/audio/testing";
import { openBatchNotebook } from "@parlance/bus";
import { answerAsWorker, changeStream, useTestServer } from "@parlance/bus/testing";
import {
  errorBodySchema,
  headerNames,
  parseIntakeSubject,
  publishedSubject,
  readSettings,
  streams,
  subjects,
  submittedSchema,
} from "@parlance/contracts";
import { createLog } from "@parlance/telemetry";
import { describe, expect, test, vi } from "vitest";
import { createIngest, ingestSettings } from "../ingest.ts";

vi.setConfig({ testTimeout: 60_000 });
const rig = useTestServer({ secured: true });

async function start(settings: Record<string, string> = {}): Promise<void> {
  const bus = await rig.connectAs("ingest");
  rig.closeAfter(
    await createIngest({ bus, settings: readSettings(ingestSettings, settings), log: createLog("ingest", "silent") }),
  );
}

const wav = (seconds: number) => encodeWav(toPcm16(voice(16_000, seconds)), { sampleRate: 16_000 });

async function ask(
  batchId: string,
  payload: Uint8Array | string,
  fields: Record<string, string> = {},
  source = "lab",
): Promise<unknown> {
  const subject = publishedSubject(source, "submit").replace("*", batchId);
  const reply = await rig.bus.request(subject, payload, 20_000, Object.entries(fields));
  return JSON.parse(Buffer.from(reply ?? "").toString());
}

const json = { "Content-Type": "application/json" };
const submitted = (reply: unknown) => submittedSchema.parse(reply);
const refused = (reply: unknown) => errorBodySchema.parse(reply).error;

describe("a submission by request", () => {
  test("of audio is answered when it is stored, by its source, with the headers that it came with", async () => {
    await start();
    const batchId = randomUUID();
    const reply = submitted(
      await ask(batchId, wav(1), { "Content-Type": "audio/wav", [headerNames.customId]: "mine" }),
    );
    expect(reply).toMatchObject({ batch_id: batchId, total_items: 1, item_ids: ["0"], status: "queued" });
    const stored = await rig.bus.message(streams.intake, reply.seq);
    expect(parseIntakeSubject(stored?.subject ?? "")).toEqual({ source: "lab", batchId });
    expect(stored?.headers.get(headerNames.customId)).toBe("mine");
    expect(await openBatchNotebook(rig.bus).read(batchId)).toMatchObject({
      source: "lab",
      intake: { seq: reply.seq },
    });
    await vi.waitFor(
      async () => expect((await rig.bus.countSubjects(streams.jobs, subjects.batchJobs(batchId))).size).toBe(1),
      { timeout: 30_000 },
    );
  });

  test("asked again gets the same reply, however often and at once, and is one batch", async () => {
    await start();
    const batchId = randomUUID();
    const body = JSON.stringify({ items: [{ operation: "custom_voice", text: "Hello." }] });
    const stop = await answerAsWorker(rig.bus, { operations: ["custom_voice"] });
    const replies = await Promise.all(Array.from({ length: 8 }, () => ask(batchId, body, json)));
    expect(new Set(replies.map((reply) => submitted(reply).seq)).size).toBe(1);
    expect(await ask(batchId, body, json)).toEqual(replies[0]);
    await vi.waitFor(
      async () =>
        expect(await rig.bus.countSubjects(streams.jobs, subjects.batchJobs(batchId))).toHaveProperty("size", 1),
      { timeout: 30_000 },
    );
    stop();
    expect((await rig.bus.countSubjects(streams.dead, `speech.dead.ingest.${batchId}.>`)).size).toBe(0);
  });

  test("of something else with a batch id that is taken, or of another publisher's, is refused and not stored", async () => {
    await start();
    const batchId = randomUUID();
    submitted(await ask(batchId, wav(1)));
    expect(refused(await ask(batchId, wav(2))).code).toBe("batch_id_taken");
    expect(refused(await ask(batchId, wav(1), {}, "other")).code).toBe("batch_id_taken");
    expect(await rig.bus.last(streams.intake, subjects.intake("other", batchId))).toBeUndefined();
  });

  test.each<[string, string, Uint8Array | string, Record<string, string>, string, string]>([
    ["a batch id that is none", "a$b", "x", {}, "validation_failed", "batchId"],
    ["a bad header", "b1", "x", { [headerNames.language]: "Klingon" }, "validation_failed", headerNames.language],
    ["no audio", "b2", "", {}, "audio_empty", ""],
    ["half a JSON", "b3", "{", json, "invalid_json", ""],
    [
      "a bad item among good ones",
      "b4",
      JSON.stringify({ items: [{ operation: "custom_voice", text: "Hi." }, { operation: "transcribe" }] }),
      json,
      "validation_failed",
      "items.1.ref_audio",
    ],
    ["text where nothing is spoken", "b5", "Hello.", { "Content-Type": "text/plain" }, "operation_unavailable", ""],
    ["more than a message holds", "b6", new Uint8Array(1_048_000), {}, "payload_too_large", ""],
  ])(
    "of %s is refused as a whole, says why, and leaves nothing behind",
    async (_, batchId, payload, fields, code, param) => {
      await start({ ENABLE_TTS: code === "operation_unavailable" ? "false" : "true" });
      const error = refused(await ask(batchId, payload, fields));
      expect(error).toMatchObject({ code, ...(param === "" ? {} : { param }) });
      expect(await rig.bus.last(streams.intake, `speech.intake.*.${batchId}`)).toBeUndefined();
      expect(await openBatchNotebook(rig.bus).has(`${batchId}`.replace("$", "-"))).toBe(false);
    },
  );

  test("to a full INTAKE says so, and the same one later goes in", async () => {
    await start();
    const batchId = randomUUID();
    const before = await changeStream(rig.bus, streams.intake, { max_bytes: 1_000 });
    expect(refused(await ask(batchId, wav(1))).code).toBe("queue_full");
    await changeStream(rig.bus, streams.intake, before);
    expect(submitted(await ask(batchId, wav(1))).batch_id).toBe(batchId);
  });
});
