import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { AckPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "nats";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { users } from "../accounts/permissions.ts";
import { generateCredentials } from "../config/credentials.ts";
import { testServers } from "../testing.ts";
import { runServer } from "./launcher.ts";
import { prepareStoreDir } from "./store-dir.ts";
import { watchStore } from "./store-watch.ts";

const servers = await testServers();
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const oneSentence = /^[^\n]+[^\n.]\.$/;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe.each(servers)("runServer with $version", ({ binary, version }) => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "parlance-launcher-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("runs a server with JetStream on loopback, and stops it", async () => {
    const server = await runServer({ binary, storeDir: join(folder, "store"), port: -1 });
    expect(server.version).toBe(version);
    expect(server.url).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
    expect(server.storeBytes).toBeGreaterThan(1_000_000);
    const nc = await connect({ servers: server.url });
    expect((await (await jetstreamManager(nc)).getAccountInfo()).streams).toBe(0);
    expect((await stat(join(folder, "store", "nats-server.conf"))).mode & 0o777).toBe(0o600);
    await nc.close();
    await server.stop();
    expect(await server.exited).toMatch(/^ended/);
    expect(isAlive(server.pid)).toBe(false);
  });

  it("tells in one sentence that the port is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = taken.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    try {
      const failed = runServer({ binary, storeDir: folder, port });
      await expect(failed).rejects.toMatchObject({ problem: "port_taken" });
      await expect(failed).rejects.toThrow(new RegExp(`^Port ${port} on 127.0.0.1 is taken: [^\\n]+\\.$`));
    } finally {
      taken.close();
    }
  });

  it("tells in one sentence that its folder cannot be written", async () => {
    await writeFile(join(folder, "file"), "");
    const failed = runServer({ binary, storeDir: join(folder, "file", "store"), port: -1 });
    await expect(failed).rejects.toMatchObject({ problem: "store_unwritable" });
    await expect(failed).rejects.toThrow(oneSentence);
  });

  it("a server that is killed is told, and its files serve the next one", async () => {
    const first = await runServer({ binary, storeDir: folder, port: -1 });
    const nc = await connect({ servers: first.url });
    const jsm = await jetstreamManager(nc);
    await jsm.streams.add({ name: "KEPT", subjects: ["kept"] });
    await jsm.jetstream().publish("kept", "x");
    process.kill(first.pid, "SIGKILL");
    expect(await first.exited).toBe("ended by SIGKILL");
    await nc.close();
    const second = await runServer({ binary, storeDir: folder, port: -1 });
    const again = await connect({ servers: second.url });
    expect((await (await jetstreamManager(again)).streams.info("KEPT")).state.messages).toBe(1);
    await again.close();
    await second.stop();
  });

  it("has nothing to say against its passwords, and keeps none of them", async () => {
    const credentials = generateCredentials({}, ["my-app"]);
    const said: string[] = [];
    const log = { info: () => {}, warn: (fields: object) => void said.push(JSON.stringify(fields)) };
    const server = await runServer({ binary, storeDir: folder, port: -1, credentials, log });
    const config = await readFile(join(folder, "nats-server.conf"), "utf8");
    const all = [...users.map((user) => credentials[user]), ...Object.values(credentials.publishers)];
    for (const { user, password } of all) {
      expect(config).not.toContain(password);
      const nc = await connect({ servers: server.url, user, pass: password });
      await nc.close();
      await expect(connect({ servers: server.url, user, pass: `${password}x` })).rejects.toThrow(/Authorization/i);
    }
    expect(said.filter((line) => !/authentication error/.test(line))).toEqual([]);
    await server.stop();
  });

  it("takes over streams of the time before there were accounts", async () => {
    const before = await runServer({ binary, storeDir: folder, port: -1 });
    const nc = await connect({ servers: before.url });
    const jsm = await jetstreamManager(nc);
    await jsm.streams.add({ name: "INTAKE", subjects: ["speech.intake.*.*"] });
    await jsm.consumers.add("INTAKE", { durable_name: "ingest", ack_policy: AckPolicy.Explicit });
    for (const name of ["done", "waiting"]) await jsm.jetstream().publish(`speech.intake.mic.${name}`, name);
    await (await (await jsm.jetstream().consumers.get("INTAKE", "ingest")).next())?.ackAck();
    await nc.close();
    await before.stop();
    const credentials = generateCredentials();
    const after = await runServer({ binary, storeDir: folder, port: -1, credentials });
    const { user, password } = credentials.topology;
    const again = await connect({ servers: after.url, user, pass: password });
    const next = await (await jetstream(again).consumers.get("INTAKE", "ingest")).next({ expires: 2_000 });
    expect(next?.string()).toBe("waiting");
    await again.close();
    await after.stop();
  });

  it("is refused on a folder that another server uses, and harms nothing there", async () => {
    const first = await runServer({ binary, storeDir: folder, port: -1, program: "npm start" });
    const nc = await connect({ servers: first.url });
    const jsm = await jetstreamManager(nc);
    await jsm.streams.add({ name: "KEPT", subjects: ["kept"] });
    await jsm.jetstream().publish("kept", "x");
    const second = runServer({ binary, storeDir: folder, port: -1 });
    await expect(second).rejects.toMatchObject({ problem: "folder_in_use" });
    await expect(second).rejects.toThrow(
      new RegExp(`^JetStream's folder ${folder} is in use by npm start \\(pid ${process.pid}\\) since [^\n]+\\.$`),
    );
    expect((await jsm.streams.info("KEPT")).state.messages).toBe(1);
    await nc.close();
    await first.stop();
  });

  it("names a server on its folder that somebody started by hand", async () => {
    const other = spawn(binary, ["-a", "127.0.0.1", "-p", "-1", "-js", "-sd", folder], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    while (!String(await once(other.stderr, "data")).includes("Server is ready"));
    await expect(runServer({ binary, storeDir: folder, port: -1 })).rejects.toThrow(
      `JetStream's folder ${folder} is in use by nats-server (pid ${other.pid}): stop it, or set NATS_STORE_DIR to another folder.`,
    );
    const closed = once(other, "close");
    other.kill("SIGKILL");
    await closed;
    await (await runServer({ binary, storeDir: folder, port: -1 })).stop();
  });

  it("waits for the server of a launcher that was killed a moment ago", async () => {
    const launcher = spawn(process.execPath, [fixture("launch.ts"), binary, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(launcher.stdout, "data");
    const pid = Number(String(line));
    const said: string[] = [];
    const log = { info: (_: object, message: string) => said.push(message), warn() {} };
    // Stopped, the server cannot follow its watchdog's word yet.
    process.kill(pid, "SIGSTOP");
    launcher.kill("SIGKILL");
    await once(launcher, "close");
    setTimeout(() => process.kill(pid, "SIGCONT"), 500);
    const next = await runServer({ binary, storeDir: folder, port: -1, log });
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
    expect(said).toContain("waiting for the nats-server of a start that was killed");
    await next.stop();
  });

  it("with credentials nobody but a publisher comes in without a password", async () => {
    const credentials = generateCredentials();
    const server = await runServer({ binary, storeDir: folder, port: -1, credentials });
    const anonymous = await connect({ servers: server.url });
    await expect(jetstreamManager(anonymous).then((jsm) => jsm.streams.list().next())).rejects.toThrow(/Permissions/);
    await expect(connect({ servers: server.url, user: "gateway", pass: "guess" })).rejects.toThrow(/Authorization/);
    const { user, password } = credentials.gateway;
    const gateway = await connect({ servers: server.url, user, pass: password, inboxPrefix: "_INBOX_gateway" });
    await Promise.all([anonymous.close(), gateway.close()]);
    await server.stop();
  });

  it("speaks TLS with a certificate", async () => {
    const tls = { certFile: fixture("test-only-cert.pem"), keyFile: fixture("test-only-key.pem") };
    const server = await runServer({ binary, storeDir: folder, port: -1, tls });
    await expect(connect({ servers: server.url, reconnect: false, tls: {} })).rejects.toThrow();
    const nc = await connect({ servers: server.url, tls: { caFile: fixture("test-only-cert.pem") } });
    expect(nc.info?.tls_required).toBe(true);
    await nc.close();
    await server.stop();
  });

  it("the server ends with the process that launched it, even when that is killed", async () => {
    const launcher = spawn(process.execPath, [fixture("launch.ts"), binary, folder], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(launcher.stdout, "data");
    const pid = Number(String(line));
    expect(isAlive(pid)).toBe(true);
    launcher.kill("SIGKILL");
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  });
});

describe("runServer", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "parlance-launcher-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const program = async (script: string) => {
    const binary = join(folder, "nats-server");
    await writeFile(binary, `#!/bin/sh\n${script}\n`);
    await chmod(binary, 0o755);
    return binary;
  };

  it("refuses an old server by its own word", async () => {
    const binary = await program("echo nats-server: v2.9.25");
    const failed = runServer({ binary, storeDir: join(folder, "store"), port: -1 });
    await expect(failed).rejects.toMatchObject({ problem: "server_too_old" });
    await expect(failed).rejects.toThrow(/ is nats-server 2\.9\.25; Parlance needs 2\.10 or newer\.$/);
  });

  it("tells in one sentence that the program is none, or dies", async () => {
    const missing = runServer({ binary: join(folder, "nothing"), storeDir: join(folder, "store"), port: -1 });
    await expect(missing).rejects.toThrow(oneSentence);
    const binary = await program(
      'case "$1" in --version) echo nats-server: v2.14.0;; *) echo "it is broken" >&2; exit 3;; esac',
    );
    const failed = runServer({ binary, storeDir: join(folder, "store"), port: -1 });
    await expect(failed).rejects.toThrow("nats-server did not start: it is broken.");
  });

  it.each([
    { memoryBytes: 512 * 2 ** 20, limit: `[${488 * 2 ** 20}]` },
    { memoryBytes: 32 * 2 ** 20, limit: `[${16 * 2 ** 20}]` },
    { memoryBytes: 0, limit: "[]" },
    { memoryBytes: undefined, limit: "[]" },
  ])("tells the server's collector its limit: $memoryBytes", async ({ memoryBytes, limit }) => {
    const binary = await program(
      'case "$1" in --version) echo nats-server: v2.14.0;; *) echo "limit [$GOMEMLIMIT]" >&2; exit 3;; esac',
    );
    const failed = runServer({ binary, storeDir: join(folder, "store"), port: -1, memoryBytes });
    await expect(failed).rejects.toThrow(`nats-server did not start: limit ${limit}.`);
  });

  it("tells a full disk as the server words it", async () => {
    const binary = await program(
      'case "$1" in --version) echo nats-server: v2.14.0;; *) echo "[1] 2026/01/31 12:00:00.000000 [FTL] Can\'t start JetStream: mkdir /x: no space left on device" >&2; exit 1;; esac',
    );
    const failed = runServer({ binary, storeDir: join(folder, "store"), port: -1 });
    await expect(failed).rejects.toMatchObject({ problem: "store_full" });
    await expect(failed).rejects.toThrow(oneSentence);
  });

  it("tells a full disk before it starts", () => {
    expect(() => prepareStoreDir(folder, 2 ** 60)).toThrow(oneSentence);
    expect(() => prepareStoreDir(folder, 2 ** 60)).toThrow(/^The disk of JetStream's folder .* is full: /);
  });

  it("ends a server whose stream froze on a full disk once there is space, so that it is started anew", async () => {
    const ended = Promise.withResolvers<void>();
    const said: string[] = [];
    const log = { info() {}, warn: (_: object, message: string) => said.push(message) };
    const store = watchStore({ storeDir: folder, log, endServer: () => ended.resolve(), lookEveryMs: 10 });
    store.hear("Server is ready");
    await sleep(50);
    expect(said).toEqual([]);
    store.hear("JetStream stream '$G > JOBS' critical write error: write 4.blk: no space left on device");
    await ended.promise;
    expect(said).toHaveLength(1);
    store.stop();
  });

  it("tells of a disk that another program fills, and of a folder that cannot be written, before a write is tried", async () => {
    const told: (string | undefined)[] = [];
    const onProblem = (sentence: string | undefined) => told.push(sentence);
    const full = watchStore({ storeDir: folder, onProblem, endServer() {}, lookEveryMs: 10, minFreeBytes: 2 ** 60 });
    await expect.poll(() => told).toEqual(["JetStream's disk is full: nothing is stored until it has space again."]);
    full.stop();
    expect(told.splice(0).at(-1)).toBeUndefined();
    // As good as read-only, for root too.
    const storeDir = join(folder, "gone");
    const unwritable = watchStore({ storeDir, onProblem, endServer() {}, lookEveryMs: 10 });
    await expect.poll(() => told).toEqual(["JetStream's folder cannot be written: nothing is stored until it can."]);
    await mkdir(storeDir);
    await expect.poll(() => told.length).toBe(2);
    expect(told[1]).toBeUndefined();
    unwritable.stop();
  });

  it("leaves no watchdog behind", async () => {
    const [{ binary } = { binary: "" }] = servers;
    const handles = () => process.getActiveResourcesInfo().filter((name) => /Process|Pipe/.test(name));
    const before = handles();
    const server = await runServer({ binary, storeDir: folder, port: -1 });
    await server.stop();
    await sleep(100);
    expect(handles()).toEqual(before);
  });
});
