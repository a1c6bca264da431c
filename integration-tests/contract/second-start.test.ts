/** Two starts in one folder: the second one must say so and go, and the first one lose nothing. */
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Transcript } from "@parlance/contracts";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Clip, demoClips } from "../src/clips.ts";
import { type Pipeline, repositoryRoot, startPipeline } from "../src/pipeline.ts";
import { createRestClient } from "../src/rest-client.ts";

const TIMEOUT_MS = 180_000;

let root: string;
let first: Pipeline;
let clip: Clip;
let batchId: string;
let text: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parlance-second-"));
  const [one] = await demoClips();
  if (one === undefined) throw new Error("there are no clips");
  clip = one;
  first = await startPipeline({ STATE_DIR: join(root, "state"), ENABLE_TTS: "false" });
  ({ batchId, text } = await transcribe(first));
}, TIMEOUT_MS);

afterAll(async () => {
  await first?.stop();
  await rm(root, { recursive: true, force: true });
}, TIMEOUT_MS);

async function transcribe({ gatewayUrl }: Pipeline) {
  const client = createRestClient(() => gatewayUrl);
  const file = await client.upload(clip.bytes, clip.name, clip.type);
  const items = [{ operation: "transcribe" as const, ref_audio: file, custom_id: "one" }];
  const { batch_id: batchId } = await client.submit("test", items, randomUUID());
  return { batchId, text: await textOf(gatewayUrl, batchId) };
}

async function textOf(gatewayUrl: string, batchId: string): Promise<string> {
  const client = createRestClient(() => gatewayUrl);
  for (;;) {
    const [item] = (await client.status(batchId)).items;
    if (item?.status === "done") return (await client.json<Transcript>(item.url ?? "")).text;
    await new Promise((again) => setTimeout(again, 100));
  }
}

/** A start as a user would make it, on other ports. */
async function startAgain(environment: Record<string, string>) {
  const child = spawn(process.execPath, [join(repositoryRoot, "services/stack/start.mjs")], {
    env: { ...process.env, PORT: "0", NATS_PORT: "-1", ENABLE_TTS: "false", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const [status] = await once(child, "close");
  return { status: Number(status), output };
}

it("a second start in the same STATE_DIR ends in one line, and the first one goes on", async () => {
  const stateDir = join(root, "state");
  const { status, output } = await startAgain({ STATE_DIR: stateDir });
  expect(output).toMatch(
    new RegExp(
      `^parlance: STATE_DIR ${stateDir} is in use by npm start \\(pid ${first.processes().pid}\\) since [\\d :-]+ UTC: stop it, or set STATE_DIR to another folder\\.\\n$`,
    ),
  );
  expect(status).toBe(1);
  expect((await transcribe(first)).text).toBe(text);
  expect(await textOf(first.gatewayUrl, batchId)).toBe(text);
}, 180_000);

it("nor does one in a STATE_DIR of its own start on the same NATS_STORE_DIR", async () => {
  const store = join(root, "state", "jetstream");
  const { status, output } = await startAgain({ STATE_DIR: join(root, "other"), NATS_STORE_DIR: store });
  expect(output).toMatch(
    new RegExp(
      `^parlance: JetStream's folder ${store} is in use by npm start \\(pid ${first.processes().pid}\\) [^\\n]+\\n$`,
    ),
  );
  expect(status).toBe(1);
  expect((await transcribe(first)).text).toBe(text);
}, 180_000);

it("a start after a kill -9 of the first works at once, and knows what the first one did", async () => {
  process.kill(first.processes().pid, "SIGKILL");
  const next = await startPipeline({ STATE_DIR: join(root, "state"), ENABLE_TTS: "false" });
  try {
    expect(await textOf(next.gatewayUrl, batchId)).toBe(text);
    expect((await transcribe(next)).text).toBe(text);
  } finally {
    await next.stop();
  }
}, 180_000);

it("a STATE_DIR that cannot be written is told in one line", async () => {
  await writeFile(join(root, "file"), "");
  const stateDir = join(root, "file", "state");
  const { status, output } = await startAgain({ STATE_DIR: stateDir });
  expect(output).toBe(`parlance: STATE_DIR ${stateDir} cannot be written (ENOTDIR).\n`);
  expect(status).toBe(1);
}, 180_000);
