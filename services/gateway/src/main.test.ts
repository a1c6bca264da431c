import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ secured: true });
});
afterAll(() => server.stop());

function start(environment: Record<string, string>) {
  const { url, user = "", password = "" } = server.as("gateway");
  const { NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, [main], {
    env: { NODE_COMPILE_CACHE, NATS_URL: url, NATS_USER: user, NATS_PASSWORD: password, PORT: "0", ...environment },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let stderr = "";
  child.stderr?.on("data", (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, "close").then(([code]) => ({ code: code as number, stderr }));
  return { child, ended };
}

describe("the process", () => {
  test.each([
    [
      "a listening address without keys",
      { HOST: "0.0.0.0" },
      /^gateway: HOST: 0\.0\.0\.0 is not loopback: set API_KEYS/,
    ],
    ["a bad setting", { MAX_QUEUED_JOBS: "many" }, /^gateway: MAX_QUEUED_JOBS: /],
    ["a misspelt setting", { REQUEST_TIMEOUTS: "1" }, /^gateway: REQUEST_TIMEOUTS is not a setting/],
    ["a wrong password", { NATS_PASSWORD: "guess" }, /^gateway: NATS at .* refuses the user gateway/],
  ])("tells %s in one line and exits 1", async (_name, environment, line) => {
    const { code, stderr } = await start(environment).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(line);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  test("tells a taken port in one line and exits 1", async () => {
    const blocker = createServer().listen(0, "127.0.0.1");
    await once(blocker, "listening");
    const address = blocker.address();
    const port = typeof address === "object" && address !== null ? String(address.port) : "";
    const { code, stderr } = await start({ PORT: port }).ended;
    blocker.close();
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `gateway: PORT: ${port} on 127.0.0.1 is taken by another program\n`,
    });
  });

  test("tells its parent where it listens, and ends with exit code 0 when it is asked to", async () => {
    const { child, ended } = start({});
    const [message] = await once(child, "message");
    const { url } = message as { url: string };
    const answer = await fetch(`${url}/livez`);
    expect(await answer.json()).toEqual({ status: "ok" });
    child.kill("SIGTERM");
    expect(await ended).toEqual({ code: 0, stderr: "" });
  });
});
