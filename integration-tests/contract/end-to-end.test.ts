import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { POISON_MAX_SECONDS, poisonCorpus } from "@parlance/audio/testing";
import { connectBus } from "@parlance/bus";
import { bucketStream } from "@parlance/bus/testing";
import { buckets, type ItemDone, streams, subjects, type Transcript } from "@parlance/contracts";
import { connect, headers } from "nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Clip, concatenate, demoClips, longClip, wavOf } from "../src/clips.ts";
import { type DirectEngine, loadDirectEngine } from "../src/direct-engine.ts";
import { type Pipeline, startPipeline } from "../src/pipeline.ts";
import { engineProcesses, isAlive, processTree } from "../src/process-table.ts";
import { createRestClient, type RestClient } from "../src/rest-client.ts";
import { countErrors } from "../src/word-error-rate.ts";

let pipeline: Pipeline;
let client: RestClient;
let clips: Clip[];
let engine: DirectEngine;

beforeAll(async () => {
  clips = await demoClips();
  engine = await loadDirectEngine();
  pipeline = await startPipeline({ MAX_AUDIO_SECONDS: String(POISON_MAX_SECONDS) });
  client = createRestClient(() => pipeline.gatewayUrl);
}, 180_000);

afterAll(async () => {
  await pipeline?.stop();
  await engine?.close();
}, 60_000);

function clip(name: string): Clip {
  const found = clips.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no clip is named ${name}`);
  return found;
}

async function transcribe({ name, type, bytes }: Clip, fields: Record<string, string> = {}): Promise<Response> {
  const form = new FormData();
  form.append("audio", new Blob([Buffer.from(bytes)], { type }), name);
  for (const [field, value] of Object.entries(fields)) form.append(field, value);
  return await fetch(`${pipeline.gatewayUrl}/api/v1/transcribe/file`, { method: "POST", body: form });
}

async function finished(batchId: string) {
  for (;;) {
    const status = await client.status(batchId);
    if (status.completed + status.failed === status.total) return status;
    await new Promise((again) => setTimeout(again, 100));
  }
}

async function submit(audios: readonly Clip[], returnTimestamps = false) {
  const items = await Promise.all(
    audios.map(async (audio, index) => ({
      operation: "transcribe" as const,
      ref_audio: await client.upload(audio.bytes, audio.name, audio.type),
      custom_id: `${index} ${audio.name}`,
      return_timestamps: returnTimestamps,
    })),
  );
  return await client.submit("test", items, randomUUID());
}

describe("from audio to its transcript", () => {
  it("a posted recording comes back as the words that were said, with their times", async () => {
    const lights = clip("lights.wav");
    const response = await transcribe(lights, { language: "en", return_timestamps: "true" });
    expect(response.status).toBe(200);
    const body = (await response.json()) as Transcript & { performance: number };
    expect(countErrors(lights.text, body.text).errors).toBeLessThanOrEqual(1);
    expect(body.language).toBe("English");
    expect(body.performance).toBeGreaterThan(0);
    expect(body).toMatchObject(await engine.transcribe(lights, { timestamps: true }));
    expect(body.timestamps?.map(({ text }) => text).join(" ")).toBe(body.text);
    const times = body.timestamps?.flatMap(({ start, end }) => [start, end]) ?? [];
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it("a recording dropped on a subject by a client without a password is answered on another", async () => {
    const nats = await connect({ servers: pipeline.natsUrl });
    const batchId = randomUUID();
    const done = nats.subscribe(`speech.done.${batchId}.>`, { max: 1 });
    await nats.flush();
    nats.publish(subjects.intake("test", batchId), clip("meeting.ogg").bytes);
    for await (const message of done) {
      const event = message.json<ItemDone>();
      expect(event).toMatchObject({ batchId, itemId: "0", status: "done" });
      expect(event.transcript?.text).toBe((await engine.transcribe(clip("meeting.ogg"))).text);
    }
    await nats.close();
  });

  it("what is one segment is three durable writes, by REST and by drop: what came in, its job, and its end, with a summary told", async () => {
    const { user, password } = pipeline.credentials("gateway");
    const bus = await connectBus({ name: "gateway", url: pipeline.natsUrl, user, password });
    const written = async () => {
      const kept = [streams.intake, streams.jobs, streams.results, bucketStream(buckets.batches)];
      return await Promise.all(kept.map(async (stream) => (await bus.streamState(stream)).lastSeq));
    };
    const nats = await connect({ servers: pipeline.natsUrl });
    const batchId = randomUUID();
    const summary = nats.subscribe(`speech.summary.${batchId}`, { max: 1 });
    await nats.flush();
    const before = await written();
    nats.publish(subjects.intake("test", batchId), clip("telephone.wav").bytes);
    for await (const message of summary)
      expect(message.json()).toMatchObject({ batchId, status: "completed", total: 1 });
    expect((await transcribe(clip("telephone.wav"))).status).toBe(200);
    expect((await written()).map((seq, index) => seq - (before[index] ?? 0))).toEqual([2, 2, 2, 0]);
    expect(await client.status(batchId)).toMatchObject({ status: "completed", completed: 1 });
    await nats.close();
    await bus.close();
  });

  it("a drop's header that means nothing is told with its item's end", async () => {
    const nats = await connect({ servers: pipeline.natsUrl });
    const batchId = randomUUID();
    const done = nats.subscribe(`speech.done.${batchId}.>`, { max: 1 });
    await nats.flush();
    const misspelt = headers();
    misspelt.set("Parlance-Langauge", "en");
    nats.publish(subjects.intake("test", batchId), clip("telephone.wav").bytes, { headers: misspelt });
    for await (const message of done) {
      expect(message.json()).toMatchObject({
        status: "done",
        warnings: ["Parlance-Langauge: is not known here and was ignored"],
      });
    }
    await nats.close();
  });

  it("every format comes back as what the engine itself makes of it", async () => {
    const { batch_id } = await submit(clips);
    const status = await finished(batch_id);
    expect(status.items.filter(({ error }) => error !== null)).toEqual([]);
    for (const [index, { url }] of status.items.entries()) {
      const { text } = await client.json<Transcript>(url ?? "");
      const audio = clips[index] ?? clip("nothing");
      expect(text, audio.name).toBe((await engine.transcribe(audio)).text);
    }
  });

  it("a long recording is cut, run in passes, and joined again in order with times that go on", async () => {
    const long = await longClip(70);
    const { batch_id } = await submit([long], true);
    const [item] = (await finished(batch_id)).items;
    const { text, timestamps = [], segments = [] } = await client.json<Transcript>(item?.url ?? "");
    const direct = await engine.transcribe(long, { timestamps: true });
    expect(text).toBe(direct.text);
    expect(timestamps).toEqual(direct.timestamps);
    expect(timestamps.at(-1)?.end).toBeGreaterThan(60);
    expect(timestamps.map(({ start }) => start)).toEqual(timestamps.map(({ start }) => start).sort((a, b) => a - b));

    // Its segments are the same text, and each word is spoken in one of them.
    expect(segments.length).toBeGreaterThanOrEqual(3);
    expect(segments.map(({ text }) => text.trim()).join(" ")).toBe(text);
    expect(segments.map(({ id }) => id)).toEqual(segments.map((_, id) => id));
    for (const { start, end } of timestamps) {
      expect(segments.filter((segment) => segment.start <= start && end <= segment.end)).toHaveLength(1);
    }
    expect(segments.at(-1)?.end).toBeLessThanOrEqual((long.bytes.length - 44) / 32_000);
  });

  it("a list of files is one request and one answer, in order", async () => {
    const chosen = [clip("lights.wav"), clip("train.mp3"), clip("doctor.webm")];
    const files = await Promise.all(
      chosen.map(async ({ bytes, name, type }) => ({
        file_id: await client.upload(bytes, name, type),
        custom_id: name,
      })),
    );
    const response = await fetch(`${pipeline.gatewayUrl}/api/v1/transcribe`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ files, language: "auto" }),
    });
    expect(response.status).toBe(200);
    const { items } = (await response.json()) as { items: { custom_id: string; text: string; timestamps: null }[] };
    expect(items.map(({ custom_id }) => custom_id)).toEqual(chosen.map(({ name }) => name));
    const texts = await Promise.all(chosen.map(async (audio) => (await engine.transcribe(audio)).text));
    expect(items.map(({ text }) => text)).toEqual(texts);
    expect(items.every(({ timestamps }) => timestamps === null)).toBe(true);
  });

  it("health tells that the model is loaded", async () => {
    const health = await client.json<{ model_loaded: boolean; model_id: string; cuda: boolean }>("/health");
    expect(health).toMatchObject({ model_loaded: true, model_id: "parlance-en", cuda: false });
  });

  it("a finished batch runs again from the stream, without its uploads, to the same texts", async () => {
    const { batch_id } = await submit([clip("lights.wav"), clip("library.opus")]);
    const { items } = await finished(batch_id);
    const first = await Promise.all(items.map(async ({ url }) => (await client.json<Transcript>(url ?? "")).text));
    const replay = fileURLToPath(new URL("../../services/stack/src/replay.ts", import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [replay, "--batch", batch_id], {
      env: { ...process.env, STATE_DIR: pipeline.stateDir },
    });
    const lines = stdout.trim().split("\n");
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ batch: batch_id, jobs: 2, completed: 2, failed: 0 });
    expect(
      lines
        .slice(0, 2)
        .map((line) => line.split("\t")[2])
        .sort(),
    ).toEqual(first.sort());
  });
});

describe("bad audio", () => {
  it("gets an error of its own or an honest empty transcript, the rest of its batch completes, and no engine restarts", async () => {
    const good = clip("lights.wav");
    await transcribe(good);
    const engines = engineProcesses(pipeline).map(({ pid }) => pid);
    expect(engines).toHaveLength(1);
    const bad = poisonCorpus().filter(({ bytes }) => bytes.length > 0);
    const honest = [
      { name: "silence", bytes: wavOf([new Int16Array(32_000)]) },
      { name: "10 ms", bytes: wavOf([new Int16Array(160).fill(100)]) },
      { name: "a click", bytes: wavOf([new Int16Array(8_000), Int16Array.of(32_767, -32_768), new Int16Array(8_000)]) },
    ];
    const asClip = ({ name, bytes }: { name: string; bytes: Uint8Array }) => ({
      name: `${name}.wav`,
      type: "audio/wav",
      text: "",
      bytes,
    });
    const { batch_id } = await submit([good, ...bad.map(asClip), ...honest.map(asClip), good]);
    const { items, status } = await finished(batch_id);

    for (const [index, { name, code }] of bad.entries()) {
      expect(items[index + 1], name).toMatchObject({ status: "error", url: null, error_code: code });
    }
    for (const [index, { name }] of honest.entries()) {
      const item = items[1 + bad.length + index];
      expect(item, name).toMatchObject({ status: "done", error: null });
      expect((await client.json<Transcript>(item?.url ?? "")).text, name).toBe("");
    }
    expect([items[0]?.status, items.at(-1)?.status]).toEqual(["done", "done"]);
    expect(status).toBe("partial");
    expect(engineProcesses(pipeline).map(({ pid }) => pid)).toEqual(engines);
  }, 120_000);

  it("an empty recording is refused at the door", async () => {
    const response = await transcribe({ name: "empty.wav", type: "audio/wav", text: "", bytes: new Uint8Array(0) });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ error: { code: "audio_empty" } });
  });

  it("an unknown file id refuses the submission, by its field", async () => {
    const known = await client.upload(clip("lights.wav").bytes, "lights.wav", "audio/wav");
    const submitting = client.submit(
      "test",
      [
        { operation: "transcribe", ref_audio: known, custom_id: "known" },
        { operation: "transcribe", ref_audio: randomUUID(), custom_id: "unknown" },
      ],
      randomUUID(),
    );
    await expect(submitting).rejects.toThrow(/404 .*"param":"items\.1\.ref_audio","code":"file_not_found"/);
  });
});

describe("a batch", () => {
  it("that is cancelled ends, with what was not done yet told as cancelled", async () => {
    const long = await concatenate([...clips, ...clips, ...clips]);
    const { batch_id } = await submit(Array.from({ length: 24 }, () => long));
    const response = await fetch(`${pipeline.gatewayUrl}/api/v1/queue/${batch_id}/cancel`, { method: "POST" });
    expect(response.status).toBe(200);
    const { items } = await finished(batch_id);
    expect(items.filter(({ error_code }) => error_code === "cancelled").length).toBeGreaterThan(0);
    expect(items.every(({ status }) => status === "done" || status === "cancelled")).toBe(true);
  });
});

it("stopping leaves no process behind", async () => {
  const another = await startPipeline();
  const silence = wavOf([new Int16Array(16_000)]);
  const form = new FormData();
  form.append("audio", new Blob([Buffer.from(silence)], { type: "audio/wav" }), "silence.wav");
  const response = await fetch(`${another.gatewayUrl}/api/v1/transcribe/file`, { method: "POST", body: form });
  expect(((await response.json()) as Transcript).text).toBe("");
  const pids = processTree(another.processes().pid);
  expect(pids.length).toBeGreaterThan(5);
  await another.stop();
  await expect.poll(() => pids.filter(isAlive), { timeout: 5_000 }).toEqual([]);
}, 120_000);
