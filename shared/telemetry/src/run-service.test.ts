import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const fixture = fileURLToPath(new URL("./fixtures/service.ts", import.meta.url));

/** Each behaviour is a service. */
function run(behaviours: string | string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [fixture, ...[behaviours].flat()], {
    env: { PATH: process.env.PATH, ...environment },
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk) => {
    output.stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    output.stderr += chunk;
  });
  const exited = once(child, "close").then(([code]) => code as number | null);
  const says = async (text: string) => {
    while (!output.stdout.includes(text)) await once(child.stdout, "data");
  };
  return { child, output, exited, says };
}

describe("runService", () => {
  test("tells a bad setting in one line and exits 1", async () => {
    const { output, exited } = run("ready", { LOG_LEVEL: "loud" });
    expect(await exited).toBe(1);
    expect(output.stderr).toMatch(/^fixture: LOG_LEVEL: .*\n$/);
  });

  test("tells of a variable that may be meant for a setting, and starts", async () => {
    const { child, output, exited, says } = run("ready", { MODEL_DIR: "/models" });
    await says("ready");
    expect(output.stdout).toContain("MODEL_DIR is not a setting of Parlance: if it is meant for one, it is MODEL_ID");
    child.kill("SIGTERM");
    await exited;
  });

  test("tells an error of the start in one line and exits 1", async () => {
    const { output, exited } = run("start-fails");
    expect(await exited).toBe(1);
    expect(output.stderr).toBe("fixture: NATS_URL: is not a URL\n");
  });

  test.each(["SIGTERM", "SIGINT"] as const)("closes on %s and exits 0", async (signal) => {
    const { child, output, exited, says } = run("ready");
    await says("ready");
    child.kill(signal);
    expect(await exited).toBe(0);
    expect(output.stdout).toContain("given back");
  });

  test("a signal during the start ends the waiting and exits 0", async () => {
    const { child, output, exited, says } = run("start-waits");
    await says("waiting");
    child.kill("SIGTERM");
    expect(await exited).toBe(0);
    expect(output.stderr).toBe("");
  });

  test("gives up on a close that hangs and exits 1", async () => {
    const { child, output, exited, says } = run("close-hangs");
    await says("ready");
    child.kill("SIGTERM");
    expect(await exited).toBe(1);
    expect(output.stdout).toContain("closing took too long");
  });

  test.each(["ready", "rejects-later"])(
    "ends though nobody reads its log any more, when it is %s",
    async (behaviour) => {
      const { child, exited, says } = run(behaviour);
      await says("ready");
      child.stdout.destroy();
      child.kill("SIGTERM");
      expect(await exited).not.toBeNull();
    },
  );

  test("logs an unhandled rejection and exits 1", async () => {
    const { output, exited } = run("rejects-later");
    expect(await exited).toBe(1);
    expect(output.stdout).toContain("nobody caught me");
  });

  test("serves metrics on METRICS_PORT, and tells a taken port in one line", async () => {
    const blocker = createServer().listen(0, "127.0.0.1");
    await once(blocker, "listening");
    const address = blocker.address();
    const port = typeof address === "object" && address !== null ? String(address.port) : "";
    const refused = run("ready", { METRICS_PORT: port });
    expect(await refused.exited).toBe(1);
    expect(refused.output.stderr).toBe(`fixture: METRICS_PORT: ${port} on 127.0.0.1 is taken by another program\n`);
    blocker.close();
    await once(blocker, "close");

    const { child, exited, says } = run("ready", { METRICS_PORT: port });
    await says("ready");
    const page = await eventually(() => fetch(`http://127.0.0.1:${port}/metrics`));
    expect(await page.text()).toContain('fixture_up{service="fixture"} 1');
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
    child.kill("SIGTERM");
    expect(await exited).toBe(0);
  });
});

describe("runServices", () => {
  const saidBy = (stdout: string) =>
    stdout
      .trim()
      .split("\n")
      .map((line): { service: string; msg: string; err?: { message: string } } => JSON.parse(line))
      .map(({ service, msg, err }) => [service, err?.message ?? msg].join(": "));

  test("closes all of them on SIGTERM, each by its name, and exits 0", async () => {
    const { child, output, exited, says } = run(["ready", "ready"]);
    await says("ready");
    child.kill("SIGTERM");
    expect(await exited).toBe(0);
    for (const name of ["fixture", "second"]) {
      expect(saidBy(output.stdout).filter((line) => line.startsWith(name))).toEqual([
        `${name}: ready`,
        `${name}: closing`,
        `${name}: given back`,
        `${name}: closed`,
      ]);
    }
  });

  test("tells by its name which one does not start, and leaves none running", async () => {
    const { output, exited } = run(["ready", "start-fails"]);
    expect(await exited).toBe(1);
    expect(output.stderr).toBe("second: NATS_URL: is not a URL\n");
  });

  test.each(["rejects-later", "throws-later"])("one that %s ends all of them, and is named", async (behaviour) => {
    const { output, exited } = run(["ready", behaviour]);
    expect(await exited).toBe(1);
    expect(saidBy(output.stdout).at(-1)).toBe("second: nobody caught me");
  });

  test("one that cannot be closed keeps no other from giving back, and makes the exit code 1", async () => {
    const { child, output, exited, says } = run(["close-fails", "ready"]);
    await says("ready");
    child.kill("SIGTERM");
    expect(await exited).toBe(1);
    expect(saidBy(output.stdout)).toContain("second: given back");
    expect(saidBy(output.stdout)).toContain("fixture: cannot be closed");
  });
});

async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
