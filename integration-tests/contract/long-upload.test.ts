/** The longest recordings that people have, at the limits that everything has by itself. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { type Bus, connectBus } from "@parlance/bus";
import { type ServiceProcess, startServiceProcess } from "@parlance/bus/testing";
import { BYTES_PER_SAMPLE, jobHeadersSchema, readHeaders, SAMPLE_RATE, streams, subjects } from "@parlance/contracts";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import { wavOf } from "../src/clips.ts";

const HOUR = 3_600;
const MIB = 1_048_576;
let server: TestServer;
let bus: Bus;
let services: ServiceProcess[] = [];
let gateway: ServiceProcess;
let url: string;

beforeAll(async () => {
  server = await startTestServer({ secured: true, settings: { JOBS_MAX_BYTES: 512 * MIB } });
  bus = await connectBus({ name: "test", ...server.as() });
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  const start = (user: "gateway" | "ingest", settings: Record<string, string>) => {
    const main = new URL(`../../services/${user}/src/main.ts`, import.meta.url);
    return startServiceProcess({ server, user, main, settings });
  };
  gateway = start("gateway", { PORT: String(port) });
  const ingest = start("ingest", {});
  services = [gateway, ingest];
  await Promise.all([gateway.says("listening"), ingest.says("taking in")]);
});
afterAll(async () => {
  await Promise.all(services.map((service) => service.kill()));
  await bus?.close();
  await server?.stop();
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

function peakMemory({ child }: ServiceProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1_024;
}

/** A minute of half seconds of tone and half seconds of silence, over and over, as a form with a length. */
function hourOfWav(): { type: string; bytes: number; body: ReadableStream<Uint8Array> } {
  const minute = Int16Array.from({ length: 60 * SAMPLE_RATE }, (_, n) =>
    n % SAMPLE_RATE < SAMPLE_RATE / 2 ? Math.round(6_000 * Math.sin(n * 0.17)) : 0,
  );
  const samples = new Uint8Array(minute.buffer);
  const header = Buffer.from(wavOf([minute]).subarray(0, 44));
  const dataBytes = HOUR * SAMPLE_RATE * BYTES_PER_SAMPLE;
  header.writeUInt32LE(dataBytes + 36, 4);
  header.writeUInt32LE(dataBytes, 40);
  const head = Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="hour.wav"\r\n\r\n');
  const tail = Buffer.from("\r\n--b--\r\n");
  const pieces = [head, header, ...Array.from({ length: HOUR / 60 }, () => samples), tail].values();
  return {
    type: "multipart/form-data; boundary=b",
    bytes: head.length + header.length + dataBytes + tail.length,
    body: new ReadableStream({
      pull(controller) {
        const next = pieces.next();
        if (next.done) controller.close();
        else controller.enqueue(next.value);
      },
    }),
  };
}

it("an hour of 16 kHz WAV is uploaded and becomes jobs, with little of it in the gateway's memory", {
  timeout: 240_000,
}, async () => {
  const before = peakMemory(gateway);
  const { type, bytes, body } = hourOfWav();
  expect(bytes).toBeGreaterThan(110_000_000);
  const uploading = fetch(`${url}/api/v1/files/upload`, {
    method: "POST",
    headers: { "content-type": type },
    body,
    duplex: "half",
  });
  const uploaded = await uploading;
  const { file_id } = (await uploaded.json()) as { file_id: string };
  expect(uploaded.status).toBe(200);
  const submitted = await fetch(`${url}/api/v1/queue/submit`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ items: [{ operation: "transcribe", ref_audio: file_id }] }),
  });
  const { batch_id, item_ids } = (await submitted.json()) as { batch_id: string; item_ids: string[] };
  expect(submitted.status).toBe(200);

  const newest = () => bus.last(streams.jobs, subjects.batchJobs(batch_id));
  await expect
    .poll(async () => readHeaders(jobHeadersSchema.pick({ last: true }).partial(), (await newest())?.headers).last, {
      timeout: 200_000,
      interval: 500,
    })
    .toBe(true);
  let heard = 0;
  for await (const { headers, data } of bus.read({ stream: streams.jobs, subject: subjects.batchJobs(batch_id) })) {
    const { start, samples } = readHeaders(jobHeadersSchema, headers);
    expect(start).toBe(heard);
    heard += samples ?? data.byteLength / BYTES_PER_SAMPLE;
  }
  expect(heard).toBe(HOUR * SAMPLE_RATE);
  expect(item_ids).toHaveLength(1);
  expect(peakMemory(gateway) - before).toBeLessThan(96 * MIB);
});
