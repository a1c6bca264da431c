/** What a publisher can do with nothing but requests: read what it missed, cancel what is its own, send and fetch files of any size. */

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { openBatchNotebook } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import {
  type BatchRecord,
  buckets,
  errorBodySchema,
  filePartHeaders,
  historySchema,
  type ItemDone,
  publishedSubject,
  type Refused,
  type RequestVerb,
  readSettings,
  requestSubjects,
  streams,
  subjects,
  timedId,
  transcriptFileId,
  uploadBegunSchema,
  uploadPartSchema,
  uploadResponseSchema,
} from "@parlance/contracts";
import { testServers } from "@parlance/nats/testing";
import { createLog } from "@parlance/telemetry";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { createResults, type Results, resultsSettings } from "../results.ts";

vi.setConfig({ testTimeout: 60_000 });

describe.each(await testServers())("the publishers' desk on $version", ({ binary }) => {
  const rig = useTestServer({ binary, secured: true, publishers: ["lab", "other"] });

  async function start(settings: Record<string, string> = {}, now = Date.now): Promise<Results> {
    const bus = await rig.connectAs("results");
    const log = createLog("results", "silent");
    return rig.closeAfter(await createResults({ bus, settings: readSettings(resultsSettings, settings), log, now }));
  }

  /** As it arrives from a publisher's account. */
  const asked = (source: string, verb: RequestVerb, rest: string) =>
    publishedSubject(source, verb).replace(/[*>]$/, rest);

  async function ask(
    verb: RequestVerb,
    rest: string,
    payload: Uint8Array | string | object = "",
    source = "lab",
  ): Promise<unknown> {
    const isBytes = typeof payload === "string" || payload instanceof Uint8Array;
    const reply = await rig.bus.request(asked(source, verb, rest), isBytes ? payload : JSON.stringify(payload), 20_000);
    return JSON.parse(Buffer.from(reply ?? "").toString());
  }

  const errorOf = (reply: unknown) => errorBodySchema.parse(reply).error;

  async function record(batchId: string, items: string[], source?: string): Promise<void> {
    const value: BatchRecord = {
      batchId,
      ...(source === undefined ? {} : { source }),
      label: "",
      lane: "batch",
      acceptedAt: Date.now(),
      items: items.map((itemId) => ({ itemId, operation: "transcribe" })),
    };
    await openBatchNotebook(rig.bus).enter(value);
  }

  async function tell(batchId: string, itemId: string, text: string): Promise<void> {
    const event: ItemDone = {
      batchId,
      itemId,
      operation: "transcribe",
      status: "done",
      transcript: { text, language: "English" },
      finishedAt: Date.now(),
    };
    await rig.bus.publishOnce(subjects.done(batchId, itemId), JSON.stringify(event), { first: true });
  }

  describe("the history of a batch", () => {
    beforeEach(async () => {
      await start();
    });

    test("holds every done event, in pages that fit a message, and then nothing more", async () => {
      const batchId = randomUUID();
      const items = Array.from({ length: 80 }, (_, index) => String(index));
      await record(batchId, items);
      const text = "word ".repeat(6_000);
      await Promise.all(items.map((itemId) => tell(batchId, itemId, `${itemId} ${text}`)));
      const told: string[] = [];
      let pages = 0;
      for (let from = 0; ; pages += 1) {
        const page = historySchema.parse(await ask("history", batchId, { from }));
        told.push(...page.events.map(({ itemId }) => itemId));
        if (page.events.length === 0) break;
        expect(page.next).toBeGreaterThan(from);
        expect(page.events.every(({ event, itemId }) => event.transcript?.text.startsWith(`${itemId} `))).toBe(true);
        from = page.next;
      }
      expect(pages).toBeGreaterThan(2);
      expect(told.sort()).toEqual([...items].sort());
      await tell(batchId, "late", "late");
      expect(historySchema.parse(await ask("history", batchId)).events.length).toBeGreaterThan(0);
    });

    test("tells a publisher what was refused of its own, and nobody else", async () => {
      const batchId = randomUUID();
      const refused: Refused = {
        error: { code: "batch_id_taken", message: "Taken.", type: "invalid_request_error", param: null },
        batchId,
        source: "lab",
        intake: { seq: 7, messageId: "mine" },
        refusedAt: 1,
      };
      await rig.bus.publishOnce(subjects.refused("lab", batchId), JSON.stringify(refused));
      await rig.bus.publishOnce(
        subjects.refused("open.me", batchId),
        JSON.stringify({ ...refused, source: "open.me" }),
      );
      expect(historySchema.parse(await ask("history", batchId)).refused).toEqual([refused]);
      await record(batchId, ["0"]);
      expect(historySchema.parse(await ask("history", batchId, "", "other")).refused).toEqual([]);
    });

    test("of a batch that nobody knows, or asked for wrongly, is an error", async () => {
      expect(errorOf(await ask("history", randomUUID())).code).toBe("batch_not_found");
      expect(errorOf(await ask("history", "b", "{")).code).toBe("invalid_json");
      expect(errorOf(await ask("history", "b", { from: -1 }))).toMatchObject({
        code: "validation_failed",
        param: "from",
      });
    });
  });

  describe("a cancel", () => {
    beforeEach(async () => {
      await start();
    });

    const isCancelled = async (batchId: string) => openBatchNotebook(rig.bus).isCancelled(batchId);

    test("is the owner's, and ends what is left", async () => {
      const batchId = randomUUID();
      await record(batchId, ["0", "1"], "lab");
      await tell(batchId, "0", "done before");
      expect(await ask("cancel", batchId)).toEqual({ batch_id: batchId, cancelled: true });
      await vi.waitFor(
        async () => expect(await rig.bus.last(streams.results, subjects.summary(batchId))).toBeDefined(),
        { timeout: 20_000 },
      );
      expect(await ask("cancel", batchId)).toEqual({ batch_id: batchId, cancelled: false });
    });

    test.each([
      ["another publisher", "lab", "other"],
      ["a publisher whose name begins alike", "lab-2", "lab"],
      ["a publisher, of the gateway's batch", "rest", "lab"],
      ["a publisher, of a batch without a known owner", undefined, "lab"],
    ])("by %s is refused", async (_, owner, source) => {
      const batchId = randomUUID();
      await record(batchId, ["0"], owner);
      expect(errorOf(await ask("cancel", batchId, "", source)).code).toBe("not_owner");
      expect(await isCancelled(batchId)).toBe(false);
    });

    test("of no batch is an error", async () => {
      expect(errorOf(await ask("cancel", randomUUID())).code).toBe("batch_not_found");
    });
  });

  describe("a file in parts", () => {
    const content = randomBytes(1_000_000);
    const sha256 = createHash("sha256").update(content).digest("hex");

    async function begin() {
      return uploadBegunSchema.parse(await ask("upload", "begin"));
    }

    async function send(id: string, from: number, to: number): Promise<unknown> {
      return await ask("upload", `${id}.${from}`, content.subarray(from, to));
    }

    async function fetchFile(id: string): Promise<{ bytes: Buffer; parts: number; total: number }> {
      const found: Uint8Array[] = [];
      let next = "";
      for (;;) {
        const reply = await rig.bus.connection.request(asked("lab", "file", id), next, { timeout: 20_000 });
        if (reply.headers?.has(filePartHeaders.error)) throw new Error(reply.string());
        expect(Number(reply.headers?.get(filePartHeaders.offset))).toBe(Buffer.concat(found).length);
        found.push(reply.data);
        next = reply.headers?.get(filePartHeaders.next) ?? "";
        const total = Number(reply.headers?.get(filePartHeaders.bytes));
        if (next === "") return { bytes: Buffer.concat(found), parts: found.length, total };
      }
    }

    test("goes in and comes out as it was, also when every part and the end are sent twice", async () => {
      await start();
      const { file_id, part_bytes } = await begin();
      for (let from = 0; from < content.length; from += part_bytes) {
        const to = Math.min(from + part_bytes, content.length);
        expect(uploadPartSchema.parse(await send(file_id, from, to)).next).toBe(to);
        expect(uploadPartSchema.parse(await send(file_id, from, to)).next).toBe(to);
      }
      const end = { bytes: content.length, sha256, content_type: "audio/wav", filename: "a.wav" };
      expect(uploadResponseSchema.parse(await ask("upload", `${file_id}.end`, end))).toEqual({ file_id });
      expect(uploadResponseSchema.parse(await ask("upload", `${file_id}.end`, end))).toEqual({ file_id });
      const { bytes, parts, total } = await fetchFile(file_id);
      expect(bytes.equals(content)).toBe(true);
      expect({ parts, total }).toEqual({ parts: Math.ceil(content.length / part_bytes), total: content.length });
      // As everybody else reads it.
      const files = await rig.bus.files(buckets.files);
      const read = await files.read(file_id);
      const chunks: Uint8Array[] = [];
      for await (const chunk of read?.content ?? []) chunks.push(chunk);
      expect(Buffer.concat(chunks).equals(content)).toBe(true);
      expect(read?.info).toMatchObject({ contentType: "audio/wav", filename: "a.wav", bytes: content.length });
      expect(errorOf(await send(file_id, content.length - 10, content.length)).code).toBe("upload_incomplete");
    });

    test("goes on where it was when the process that took its parts is gone", async () => {
      const first = await start();
      const { file_id } = await begin();
      await send(file_id, 0, 200_000);
      await first.close();
      await start();
      expect(errorOf(await send(file_id, 300_000, 400_000))).toMatchObject({
        code: "upload_incomplete",
        message: expect.stringContaining("200000 bytes are stored"),
      });
      await send(file_id, 200_000, 300_000);
      await ask("upload", `${file_id}.end`, { bytes: 300_000 });
      expect((await fetchFile(file_id)).bytes.equals(content.subarray(0, 300_000))).toBe(true);
    });

    test("of which a part comes ten times at once is stored once", async () => {
      await start();
      await start();
      const { file_id } = await begin();
      const replies = await Promise.all(Array.from({ length: 10 }, () => send(file_id, 0, 1_000)));
      expect(replies.map((reply) => uploadPartSchema.parse(reply).next)).toEqual(Array(10).fill(1_000));
      await ask("upload", `${file_id}.end`, { bytes: 1_000 });
      expect((await fetchFile(file_id)).bytes.length).toBe(1_000);
    });

    test("that is not whole, not what it was to be, too large or nobody's is refused with a reason", async () => {
      await start({ MAX_UPLOAD_BYTES: "400000" });
      const { file_id } = await begin();
      await send(file_id, 0, 200_000);
      expect(errorOf(await ask("upload", `${file_id}.end`, { bytes: 200_001 })).code).toBe("upload_incomplete");
      expect(errorOf(await ask("upload", `${file_id}.end`, { bytes: 200_000, sha256 })).code).toBe("upload_differs");
      expect(errorOf(await send(file_id, 200_000, 300_000)).code).toBe("upload_incomplete");
      expect(errorOf(await send(file_id, 350_000, 450_000)).code).toBe("payload_too_large");
      expect(errorOf(await send(file_id, 0, 300_000)).code).toBe("payload_too_large");
      expect(errorOf(await ask("upload", `${file_id}.x`, "x"))).toMatchObject({ param: "offset" });
      expect(errorOf(await ask("upload", `${file_id}.0`)).code).toBe("validation_failed");
      expect(errorOf(await ask("upload", "queue_x.0", "x")).code).toBe("file_not_found");
      expect(errorOf(await ask("upload", `${timedId(Date.now() - 3_600_000)}.0`, "x")).code).toBe("file_expired");
      expect(errorOf(await ask("upload", "a.b.c", "x")).code).toBe("not_found");
    });

    test("that is never ended is swept, and its uploader told where it stands", async () => {
      const { file_id } = await (async () => {
        await start();
        return await begin();
      })();
      await send(file_id, 0, 100_000);
      expect(await (await rig.bus.files(buckets.files)).sweep(0)).toBe(1);
      expect(errorOf(await send(file_id, 100_000, 200_000)).message).toContain("0 bytes are stored");
    });

    test("is served for FILE_TTL; a small transcript comes from its event", async () => {
      let clock = Date.now();
      await start({}, () => clock);
      const { file_id } = await begin();
      await send(file_id, 0, 10);
      await ask("upload", `${file_id}.end`, { bytes: 10 });
      const batchId = randomUUID();
      await tell(batchId, "0", "hello");
      expect(JSON.parse((await fetchFile(transcriptFileId(batchId, "0"))).bytes.toString())).toMatchObject({
        text: "hello",
      });
      clock += 1_801_000;
      expect(errorOf(await ask("file", file_id)).code).toBe("file_expired");
      expect(errorOf(await ask("file", "nothing.here")).code).toBe("file_not_found");
      expect(errorOf(await ask("file", "segment_b.0.0")).code).toBe("file_not_found");
      expect(errorOf(await ask("file", file_id, "7.x")).code).toBe("validation_failed");
    });
  });

  test("reached through a publisher's own account: its name comes with its requests, and nobody says it for it", async () => {
    await start();
    const as = await Promise.all(["lab", "other", "publisher"].map((name) => rig.connectAs(name)));
    const json = async (bus: (typeof as)[number] | undefined, subject: string, payload: Uint8Array | string = "") =>
      JSON.parse(Buffer.from((await bus?.request(subject, payload, 20_000)) ?? "").toString());
    const [lab, other, open] = as;
    const batchId = randomUUID();
    await record(batchId, ["0"], "lab");
    await tell(batchId, "0", "hello");
    for (const bus of as) {
      expect(await json(bus, requestSubjects.status(batchId))).toMatchObject({ batch_id: batchId, total: 1 });
      expect(await json(bus, requestSubjects.history(batchId))).toMatchObject({ events: [{ itemId: "0" }] });
      expect(await json(bus, requestSubjects.file(transcriptFileId(batchId, "0")))).toMatchObject({ text: "hello" });
      const { file_id } = uploadBegunSchema.parse(await json(bus, requestSubjects.uploadBegin));
      await json(bus, requestSubjects.uploadPart(file_id, 0), "sound");
      const end = JSON.stringify({ bytes: 5, sha265: "misspelt", filename: null });
      expect(await json(bus, requestSubjects.uploadEnd(file_id), end)).toEqual({
        file_id,
        warnings: ["sha265: is not known here and was ignored"],
      });
      expect(Buffer.from((await bus.request(requestSubjects.file(file_id), "", 20_000)) ?? "").toString()).toBe(
        "sound",
      );
    }
    for (const bus of [other, open]) {
      expect(errorOf(await json(bus, requestSubjects.cancel(batchId))).code).toBe("not_owner");
      await expect(bus?.request(asked("lab", "cancel", batchId), "", 2_000)).rejects.toThrow(/Permissions Violation/i);
    }
    expect(await json(lab, requestSubjects.cancel(batchId))).toMatchObject({ batch_id: batchId });
  });
});
