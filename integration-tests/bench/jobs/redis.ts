/** A redis-server of the machine's own, with a folder of its own, that flushes each write to the disk before it says that it is done. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { access, constants, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

export interface Redis {
  port: number;
  pid: number;
  version: string;
  stop(): Promise<void>;
}

/** Undefined where there is none on PATH. */
export async function findRedis(): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const program = join(folder, "redis-server");
    const runs = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return program;
  }
  return undefined;
}

/** Throws with the end of its output when it does not start. */
export async function startRedis(program: string): Promise<Redis> {
  const { stdout } = await promisify(execFile)(program, ["--version"]);
  const folder = await mkdtemp(join(tmpdir(), "parlance-redis-"));
  const port = await freePort();
  const durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
  const child = spawn(program, ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, ...durable], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const endWithThis = () => child.kill("SIGKILL");
  process.once("exit", endWithThis);
  const ended = once(child, "close");
  let output = "";
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      output = `${output}${line}\n`.slice(-2_000);
      if (line.includes("Ready to accept connections")) resolve();
    });
  });
  const failure = ended.then(() => {
    throw new Error(`redis-server ended:\n${output}`);
  });
  await Promise.race([ready, failure]);
  return {
    port,
    pid: child.pid ?? 0,
    version: /v=([\d.]+)/.exec(stdout)?.[1] ?? "of an unknown version",
    async stop() {
      process.off("exit", endWithThis);
      child.kill("SIGKILL");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
