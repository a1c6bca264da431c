import { randomBytes } from "node:crypto";
import { audioFileId, buckets, timedId, transcriptFileId, uploadResponseSchema } from "@parlance/contracts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSocket } from "../testing/raw-http.ts";
import {
  audioForm,
  eventually,
  startRig,
  startTestGateway,
  type TestGateway,
  type TestRig,
} from "../testing/test-gateway.ts";

const LIMIT = 1_000_000;
let rig: TestRig;
let gateway: TestGateway;
let clock = 0;

beforeAll(async () => {
  rig = await startRig();
  gateway = await startTestGateway(rig.server, { MAX_UPLOAD_BYTES: String(LIMIT) }, { now: () => Date.now() + clock });
});
afterAll(async () => {
  await gateway.close();
  await rig.close();
});

const send = (form: FormData) => gateway.json("/api/v1/files/upload", { method: "POST", body: form });
const files = () => rig.pipeline.bus.files(buckets.files);

describe("uploads", () => {
  test("come back byte for byte, as a harmless attachment", async () => {
    const bytes = randomBytes(700_000);
    const { status, body } = await send(audioForm("file", bytes, "speech.wav"));
    expect(status).toBe(200);
    const { file_id } = uploadResponseSchema.parse(body);
    const response = await gateway.call(`/api/v1/files/${file_id}`);
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "audio/wav",
      "content-length": "700000",
      "content-disposition": 'attachment; filename="speech.wav"',
      "x-content-type-options": "nosniff",
    });
  });

  test("HEAD tells the size without the content", async () => {
    const id = await gateway.upload("0123456789");
    const response = await gateway.call(`/api/v1/files/${id}`, { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-length")).toBe("10");
    expect(await response.text()).toBe("");
  });

  test("a type that a browser would run is served as bytes", async () => {
    const form = new FormData();
    form.append("file", new Blob(["<script>alert(1)</script>"], { type: "text/html" }), "a.html");
    const { body } = await send(form);
    const response = await gateway.call(`/api/v1/files/${(body as { file_id: string }).file_id}`);
    expect(response.headers.get("content-type")).toBe("application/octet-stream");
    expect(response.headers.get("content-security-policy")).toContain("sandbox");
  });

  test.each(["../../etc/passwd", "a\\..\\b.wav", '"; touch x;".wav', "é".repeat(300), "\u0000.wav", "\r\nX-Evil: 1"])(
    "a caller's file name %# is never a path or a header",
    async (filename) => {
      const { status, body } = await send(audioForm("file", "bytes", filename));
      expect(status).toBe(200);
      const { file_id } = body as { file_id: string };
      const stored = await (await files()).info(file_id);
      expect(stored?.filename).not.toMatch(/[/\\\r\n]/);
      expect(stored?.filename.length).toBeLessThan(256);
      const response = await gateway.call(`/api/v1/files/${file_id}`);
      expect(response.headers.get("content-disposition")).toMatch(/^attachment; filename="/);
      expect(response.headers.has("x-evil")).toBe(false);
      await response.arrayBuffer();
    },
  );

  test("an upload of exactly the limit passes, one byte more is 413 and leaves nothing", async () => {
    expect((await send(audioForm("file", randomBytes(LIMIT)))).status).toBe(200);
    const before = (await (await files()).list()).length;
    const { status, body } = await send(audioForm("file", randomBytes(LIMIT + 1)));
    expect({ status, body }).toMatchObject({ status: 413, body: { error: { code: "payload_too_large" } } });
    expect((await (await files()).list()).length).toBe(before);
  });

  test("an empty one is refused", async () => {
    expect(await send(audioForm("file", ""))).toMatchObject({ status: 422, body: { error: { code: "audio_empty" } } });
  });
});

describe("a part of a file", () => {
  const bytes = randomBytes(700_000);
  let path = "";
  const part = (headers: Record<string, string>, method = "GET") => gateway.call(path, { method, headers });

  beforeAll(async () => {
    path = `/api/v1/files/${await gateway.upload(bytes)}`;
  });

  test.each([
    ["bytes=0-9", 0, 10],
    ["bytes=262140-262150", 262_140, 262_151],
    ["bytes=600000-", 600_000, 700_000],
    ["bytes=-1", 699_999, 700_000],
    ["bytes=0-", 0, 700_000],
  ])("%s is 206", async (range, start, end) => {
    const response = await part({ range });
    expect(response.status).toBe(206);
    expect(response.headers.get("content-range")).toBe(`bytes ${start}-${end - 1}/700000`);
    expect(response.headers.get("content-length")).toBe(String(end - start));
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes.subarray(start, end))).toBe(true);
  });

  test("that it does not have is 416, with its size", async () => {
    const response = await part({ range: "bytes=700000-" });
    expect(response.status).toBe(416);
    expect(response.headers.get("content-range")).toBe("bytes */700000");
    expect(await response.json()).toMatchObject({ error: { code: "range_unsatisfiable", param: "Range" } });
  });

  test("of another file than the caller began is the whole file; of the same one it is the part", async () => {
    const whole = await part({});
    const etag = whole.headers.get("etag") ?? "";
    expect(whole.headers.get("accept-ranges")).toBe("bytes");
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
    const same = await part({ range: "bytes=0-1", "if-range": etag });
    expect([same.status, await same.arrayBuffer()]).toMatchObject([206, { byteLength: 2 }]);
    const other = await part({ range: "bytes=0-1", "if-range": '"other"' });
    expect([other.status, await other.arrayBuffer()]).toMatchObject([200, { byteLength: 700_000 }]);
    expect((await part({ "if-none-match": etag })).status).toBe(304);
  });

  test("HEAD and several ranges at once are answered for the whole file", async () => {
    const head = await part({ range: "bytes=0-1" }, "HEAD");
    expect([head.status, head.headers.get("content-length"), head.headers.get("accept-ranges")]).toEqual([
      200,
      "700000",
      "bytes",
    ]);
    const several = await part({ range: "bytes=0-1,5-6" });
    expect([several.status, await several.arrayBuffer()]).toMatchObject([200, { byteLength: 700_000 }]);
  });
});

describe("what is not there", () => {
  test.each([
    "nothing",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "a%20b",
    "%F0%9F%98%80",
    "x".repeat(500),
    "queue_transcribe_nobody.0.json",
    "queue_transcribe_*.>.json",
  ])("GET of name %# is 404 file_not_found", async (id) => {
    const { status, body } = await gateway.json(`/api/v1/files/${id}`);
    expect({ status, body }).toMatchObject({ status: 404, body: { error: { code: "file_not_found" } } });
  });

  test("an id that is cut off its escape is 400 or 404, as JSON", async () => {
    const { status, body } = await gateway.json("/api/v1/files/%E0%A4%A");
    expect([400, 404]).toContain(status);
    expect(body).toHaveProperty("error.code");
  });
});

describe("FILE_TTL", () => {
  test("an upload is gone after it, with a reason, whether it was swept yet or not", async () => {
    const id = await gateway.upload("old");
    clock = 1_801_000;
    const late = await gateway.json(`/api/v1/files/${id}`);
    await (await files()).delete(id);
    const swept = await gateway.json(`/api/v1/files/${id}`);
    const accepted = await gateway.post("/api/v1/queue/submit", {
      items: [{ operation: "transcribe", ref_audio: id, text: "" }],
    });
    clock = 0;
    for (const { status, body } of [late, swept]) {
      expect({ status, body }).toMatchObject({ status: 404, body: { error: { code: "file_expired" } } });
      expect((body as { error: { message: string } }).error.message).toContain("1800 s");
    }
    expect(accepted).toMatchObject({
      status: 404,
      body: { error: { code: "file_expired", param: "items.0.ref_audio" } },
    });
  });

  test("a young id that never was is not called expired", async () => {
    const { body } = await gateway.json(`/api/v1/files/${timedId(Date.now())}`);
    expect(body).toMatchObject({ error: { code: "file_not_found" } });
  });
});

describe("transcripts", () => {
  const publish = (batchId: string, done: object) =>
    rig.pipeline.bus.publishOnce(
      `speech.done.${batchId}.0`,
      JSON.stringify({ batchId, itemId: "0", operation: "transcribe", finishedAt: Date.now(), ...done }),
    );

  test("are JSON in the mission's shape", async () => {
    const transcript = { text: "Héllo", language: "English", timestamps: [{ start: 0, end: 0.25, text: "Héllo" }] };
    await publish("t1", { status: "done", transcript });
    const response = await gateway.call(`/api/v1/files/${transcriptFileId("t1", "0")}`);
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(response.headers.get("content-length")).toBe(String(Buffer.byteLength(JSON.stringify(transcript))));
    expect(await response.json()).toEqual(transcript);
    const head = await gateway.call(`/api/v1/files/${transcriptFileId("t1", "0")}`, { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe(response.headers.get("content-length"));
  });

  test("that are large come from the bucket", async () => {
    const file = transcriptFileId("t2", "0");
    const text = "word ".repeat(20_000);
    await (await files()).put(
      { id: file, contentType: "application/json", filename: file, maxBytes: 1e6 },
      (async function* () {
        yield Buffer.from(JSON.stringify({ text, language: "English" }));
      })(),
    );
    await publish("t2", { status: "done", file });
    const response = await gateway.call(`/api/v1/files/${file}`);
    expect(response.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(await response.json()).toEqual({ text, language: "English" });
  });

  test("of failed items do not exist, for the item's reason", async () => {
    await publish("t3", { status: "error", error: { code: "audio_corrupt", message: "It is a zip." } });
    const { status, body } = await gateway.json(`/api/v1/files/${transcriptFileId("t3", "0")}`);
    expect(status).toBe(404);
    expect((body as { error: { message: string } }).error.message).toContain("It is a zip.");
  });

  test("expire", async () => {
    await publish("t4", { status: "done", transcript: { text: "", language: "" } });
    clock = 1_801_000;
    const { body } = await gateway.json(`/api/v1/files/${transcriptFileId("t4", "0")}`);
    clock = 0;
    expect(body).toMatchObject({ error: { code: "file_expired" } });
  });
});

describe("spoken audio", () => {
  const id = (batchId: string) => audioFileId("custom_voice", batchId, "0", "flac");
  const publish = (batchId: string, done: object) =>
    rig.pipeline.bus.publishOnce(
      `speech.done.${batchId}.0`,
      JSON.stringify({ batchId, itemId: "0", operation: "custom_voice", finishedAt: Date.now(), ...done }),
    );

  test("is served as what it is, under its own name, until its time is over", async () => {
    const file = id("s1");
    await (await files()).put(
      { id: file, contentType: "audio/flac", filename: file, maxBytes: 100 },
      (async function* () {
        yield Buffer.from("fLaC and so on");
      })(),
    );
    await publish("s1", { status: "done", audio: { file, contentType: "audio/flac", seconds: 1, sampleRate: 16_000 } });
    const response = await gateway.call(`/api/v1/files/${file}`);
    expect(response.headers.get("content-type")).toBe("audio/flac");
    expect(response.headers.get("content-length")).toBe("14");
    expect(response.headers.get("content-disposition")).toContain(file);
    expect(await response.text()).toBe("fLaC and so on");
    clock = 1_801_000;
    const late = await gateway.json(`/api/v1/files/${file}`);
    await (await files()).delete(file);
    const swept = await gateway.json(`/api/v1/files/${file}`);
    clock = 0;
    for (const { status, body } of [late, swept]) {
      expect({ status, body }).toMatchObject({ status: 404, body: { error: { code: "file_expired" } } });
    }
  });

  test("of an item that failed, or is not done, does not exist, and it is said why", async () => {
    await publish("s2", { status: "error", error: { code: "voice_unknown", message: "Nobody has this voice." } });
    const messages = await Promise.all(
      ["s2", "s3"].map(async (batchId) => {
        const { status, body } = await gateway.json(`/api/v1/files/${id(batchId)}`);
        expect({ status, body }).toMatchObject({ status: 404, body: { error: { code: "file_not_found" } } });
        return (body as { error: { message: string } }).error.message;
      }),
    );
    expect(messages).toEqual([expect.stringContaining("Nobody has this voice."), expect.stringContaining("not done")]);
  });
});

test("a caller that goes away in the middle of an upload leaves no file", async () => {
  const parts = async () => (await rig.pipeline.bus.streamState("OBJ_files")).messages;
  const before = await parts();
  const socket = await openSocket(gateway.url);
  socket.write(
    "POST /api/v1/files/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n" +
      'Content-Length: 900000\r\n\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n',
  );
  socket.write(randomBytes(600_000));
  await eventually(async () => ((await parts()) > before ? true : undefined));
  socket.destroy();
  await eventually(async () => ((await parts()) === before ? true : undefined));
});
