/**
 * `npm run test:containers`: builds services/Dockerfile and runs compose.yaml as a user does, with Docker or with podman. With keys and
 * passwords of its own it transcribes and speaks, runs every health check, kills each service and sees it come back and
 * everything work again. The last line is JSON: with, image_mb (the larger image; services_mb, the smaller), ready_s, transcript_ok,
 * speech_ok, health_ok, comes_back_ok, memory_mb of each container. Ends with 0 when all of it holds and the image is below 400 MB.
 *
 * Where no registry of images answers, base images are made on the spot (base-images.ts). The gpu profile is not run.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { provideBaseImages } from "./base-images.ts";
import { baseImagesOf, buildsOf, lastingServices, withoutWaiting } from "./compose-file.ts";
import {
  type ContainerProgram,
  execute,
  findContainerProgram,
  makeContainersStart,
  orThrow,
} from "./container-program.ts";
import { type RunningServices, runningServices } from "./running-services.ts";

const MOST_IMAGE_MB = 400;
const LIMIT_MS = 120_000;
const POLL_MS = 250;
const BUILD_MS = 1_800_000;
const GATEWAY_PORT = 8000;
const root = fileURLToPath(new URL("../..", import.meta.url));
const project = "parlance-test";
const say = (text: string) => process.stdout.write(`${text}\n`);

process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));
try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(`test:containers: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function run(): Promise<number> {
  const program = findContainerProgram();
  say(program.name);
  const composeFile = readFileSync(join(root, "compose.yaml"), "utf8");
  const bases = baseImagesOf(composeFile, readFileSync(join(root, "services/Dockerfile"), "utf8"));
  const from = await provideBaseImages({ program, root, ...bases, say });
  say(`base images: ${bases.node} ${from.node}, ${bases.nats} ${from.nats}`);

  const work = mkdtempSync(join(tmpdir(), "parlance-compose-"));
  process.once("exit", () => rmSync(work, { recursive: true, force: true }));
  makeContainersStart(program, bases.node, work);

  const sizes = buildsOf(composeFile)
    .filter(({ target }) => target !== "cuda")
    .map(({ image, target }) => ({ target, mb: build(program, image, target) }));
  const sizeOf = (wanted: string) => sizes.find(({ target }) => target === wanted)?.mb ?? Number.NaN;

  const file = program.kind === "docker" ? join(root, "compose.yaml") : join(work, "compose.yaml");
  if (program.kind === "podman") writeFileSync(file, withoutWaiting(composeFile, root));
  const key = `k${randomBytes(16).toString("hex")}`;
  writeFileSync(join(work, ".env"), environment(key, await freePort()), { mode: 0o600 });
  const tryCompose = (...args: string[]) =>
    program.compose(["-p", project, "-f", file, "--env-file", join(work, ".env"), ...args]);
  const compose = (...args: string[]) => orThrow(args.join(" "), tryCompose(...args));
  const down = () => tryCompose("down", "--volumes");
  // Of a run that was cut short.
  down();
  process.prependOnceListener("exit", down);

  const services = runningServices(program, project);
  const began = performance.now();
  if (program.kind === "podman") await topologyFirst(compose, services);
  compose("up", "--detach", "--no-build");
  const gateway = await services.addressOf("gateway", GATEWAY_PORT);
  say(`the gateway answers on ${gateway}`);
  const isReady = async () => (await fetch(`${gateway}/readyz`).catch(() => undefined))?.ok === true;
  const names = lastingServices(composeFile);
  if (!(await within(isReady))) {
    for (const name of names) say(`${name}:\n${services.lastLines(name)}`);
    throw new Error("it is not ready within two minutes");
  }
  const readyS = Math.round(performance.now() - began) / 1_000;

  const transcriptOk = (await refusesStrangers(gateway)) && (await transcribes(gateway, key));
  const speechOk = await speaks(gateway, key);
  const memory = Object.fromEntries(names.map((name) => [name, services.memoryMb(name)]));
  const healthOk = (await allHealthy(services, names)) && canDownload(services);

  // nats-server has no init before it and no Node beside it: its death is the matter of test:chaos.
  const cameBack: string[] = [];
  const killed = names.filter((name) => name !== "nats");
  for (const name of killed) {
    say(`killing ${name}`);
    if (await services.comesBack(name, LIMIT_MS)) cameBack.push(name);
  }
  const comesBackOk =
    cameBack.length === killed.length &&
    (await within(isReady)) &&
    (await transcribes(gateway, key)) &&
    (await speaks(gateway, key)) &&
    (await allHealthy(services, names));

  const result = {
    with: program.name,
    image_mb: sizeOf("cpu"),
    services_mb: sizeOf("services"),
    ready_s: readyS,
    transcript_ok: transcriptOk,
    speech_ok: speechOk,
    health_ok: healthOk,
    comes_back_ok: comesBackOk,
    memory_mb: memory,
  };
  say(JSON.stringify(result));
  return transcriptOk && speechOk && healthOk && comesBackOk && result.image_mb < MOST_IMAGE_MB ? 0 : 1;
}

/** Returns the image's MB. */
function build(program: ContainerProgram, image: string, target: string): number {
  say(`building ${image}`);
  const began = performance.now();
  // Podman's builder has no namespace of its own here, so that it works where containers may not nest.
  const own = program.kind === "podman" ? ["--isolation", "chroot", "--network", "host"] : [];
  const ca = process.env.NODE_EXTRA_CA_CERTS;
  const secret = ca !== undefined && existsSync(ca) ? ["--secret", `id=ca,src=${ca}`] : [];
  const file = ["--file", join(root, "services/Dockerfile"), "--target", target, "--tag", image];
  orThrow(`building ${image}`, program.run(["build", ...own, ...secret, ...file, root], BUILD_MS));
  const size = orThrow("asking for its size", program.run(["image", "inspect", "--format", "{{.Size}}", image])).said;
  const mb = Math.round(Number(size) / 1e6);
  say(`${image}: ${mb} MB, built in ${Math.round((performance.now() - began) / 1_000)} s`);
  return mb;
}

/** The user's .env: what `npm run passwords` writes, a key, and a port that is free. */
function environment(key: string, port: number): string {
  const passwords = execute(["npm", "--prefix", root, "run", "--silent", "passwords"]);
  return `${orThrow("npm run passwords", passwords).said}\nAPI_KEYS=${key}\nPORT=${port}\n`;
}

/** What Docker does by `condition: service_completed_successfully`. */
async function topologyFirst(compose: (...args: string[]) => void, services: RunningServices): Promise<void> {
  compose("up", "--detach", "--no-build", "nats", "topology");
  await within(async () => services.exitCodeOf("topology") !== undefined);
  if (services.exitCodeOf("topology") !== 0) throw new Error(`topology failed: ${services.lastLines("topology")}`);
}

async function refusesStrangers(gateway: string): Promise<boolean> {
  const { status } = await fetch(`${gateway}/v1/models`);
  if (status !== 401) say(`a request without a key was answered ${status}`);
  return status === 401;
}

async function transcribes(gateway: string, key: string): Promise<boolean> {
  const audio = join(root, "integration-tests/demo/audio");
  const expected = z
    .array(z.object({ file: z.string(), text: z.string() }))
    .parse(JSON.parse(readFileSync(join(audio, "sentences.json"), "utf8")));
  // Each is decoded by another package.
  for (const { file, text } of expected.filter((one) =>
    /^(lights|newspaper|train|meeting|doctor|weather)/.test(one.file),
  )) {
    const body = new FormData();
    body.append("audio", new Blob([readFileSync(join(audio, file))]), file);
    const headers = { "X-API-Key": key };
    const response = await fetch(`${gateway}/api/v1/transcribe/file`, { method: "POST", headers, body });
    const answer = await response.text();
    const heard = z.object({ text: z.string() }).safeParse(response.ok ? JSON.parse(answer) : {});
    if (!heard.success || words(heard.data.text) !== words(text)) {
      say(`${file}: ${response.status} ${answer.slice(0, 300)}`);
      return false;
    }
  }
  return true;
}

async function speaks(gateway: string, key: string): Promise<boolean> {
  for (const format of ["mp3", "flac", "opus", "wav"]) {
    const response = await fetch(`${gateway}/v1/audio/speech`, {
      method: "POST",
      headers: { "content-type": "application/json", Authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: "parlance-voice", voice: "slt", input: "Good morning.", response_format: format }),
    });
    const { byteLength } = await response.arrayBuffer();
    if (!response.ok || byteLength < 1_000) {
      say(`speech as ${format}: ${response.status}, ${byteLength} bytes`);
      return false;
    }
  }
  return true;
}

async function allHealthy(services: RunningServices, names: readonly string[]): Promise<boolean> {
  for (const name of names) {
    if (!(await within(async () => services.isHealthy(name)))) {
      say(`${name} is not healthy:\n${services.lastLines(name)}`);
      return false;
    }
  }
  return true;
}

/** The volume of models belongs to who downloads into it, and the rest of its file system is nobody's to write. */
function canDownload(services: RunningServices): boolean {
  const script =
    "const fs = require('node:fs'); fs.writeFileSync('/models/probe', ''); fs.rmSync('/models/probe'); try { fs.writeFileSync('/parlance/probe', ''); process.exit(1) } catch {}";
  const { status, output } = services.node("transcribe-worker", script);
  if (status !== 0) say(`/models is not writable, or the rest is: ${output}`);
  return status === 0;
}

async function within(holds: () => Promise<boolean>): Promise<boolean> {
  for (const until = Date.now() + LIMIT_MS; Date.now() < until; await pause(POLL_MS)) {
    if (await holds()) return true;
  }
  return false;
}

function words(text: string): string {
  return (text.toLowerCase().match(/[a-z']+/g) ?? []).join(" ");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
