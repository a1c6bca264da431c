import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { jetstream } from "@nats-io/jetstream";
import {
  type jobHeadersSchema,
  MAX_REFERENCE_TEXT,
  MAX_SEED,
  readSettings,
  SAMPLE_RATE,
  writeHeaders,
} from "@parlance/contracts";
import { connect } from "nats";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensureTopology } from "../ensure-topology.ts";
import { environmentLines } from "../passwords.ts";
import { renderTemplate, type Template, templateFolder, templatesFor } from "../templates.ts";
import { testServers } from "../testing.ts";
import { topologySettings } from "../topology.ts";
import { DEFAULT_MAX_PAYLOAD, renderConfig } from "./config.ts";

const run = promisify(execFile);
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

const servers = await testServers();
const templates = templatesFor([]);

/** What a shell or Compose makes of such lines. */
function parse(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const [, name = "", value = ""] = /^(\w+)='?([^']+)'?$/.exec(line) ?? [];
      return [name, value];
    }),
  );
}

describe("templates", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "parlance-conf-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** With files and ports that this machine has. */
  async function write(template: Template): Promise<string> {
    const here = renderTemplate(template)
      .replaceAll("/etc/nats/tls/key.pem", fixture("test-only-key.pem"))
      .replaceAll(/\/etc\/nats\/tls\/\w+\.pem/g, fixture("test-only-cert.pem"))
      .replace('"/data"', JSON.stringify(folder))
      .replace('host: "0.0.0.0"', 'host: "127.0.0.1"')
      .replace("port: 4222", "port: -1")
      .replace("127.0.0.1:8222", "127.0.0.1:-1");
    const file = join(folder, template.file);
    await writeFile(file, here);
    return file;
  }

  it.each(templates)("$file is what the code renders", async (template) => {
    expect(await readFile(join(templateFolder, template.file), "utf8")).toBe(renderTemplate(template));
  });

  describe.each(servers)("nats-server $version", ({ binary }) => {
    it.each([...templates, ...templatesFor(["my-app"])])("accepts $file", async (template) => {
      const env = { ...parse(environmentLines(["my-app"])), NATS_SERVER_NAME: "nats-1" };
      const { stderr } = await run(binary, ["-t", "-c", await write(template)], { env });
      expect(stderr).toMatch(/is valid/);
    });

    it("takes a named publisher's drop over TLS, and lets nobody in without a password", async () => {
      const template = templatesFor(["my-app"]).find(({ file }) => file === "secured.conf");
      if (template === undefined) throw new Error("there is no such template");
      const environment = parse(environmentLines(["my-app"]));
      const server = spawn(binary, ["-c", await write(template)], {
        env: environment,
        stdio: ["ignore", "ignore", "pipe"],
      });
      let said = "";
      server.stderr.on("data", (text) => {
        said += String(text);
      });
      try {
        await expect.poll(() => said, { timeout: 20_000 }).toMatch(/Server is ready/);
        const servers = `tls://127.0.0.1:${/client connections on .*:(\d+)/.exec(said)?.[1]}`;
        const tls = { caFile: fixture("test-only-cert.pem") };
        const operator = await connect({
          servers,
          tls,
          user: "topology",
          pass: environment.NATS_TOPOLOGY_PASSWORD ?? "",
        });
        await ensureTopology(operator, { settings: readSettings(topologySettings, {}), storeBytes: 2 ** 30 });
        const nc = await connect({ servers, tls, user: "my-app", pass: environment.NATS_MY_APP_PASSWORD ?? "" });
        expect(await jetstream(nc).publish("speech.intake.my-app.b", "audio")).toMatchObject({
          stream: "INTAKE",
          seq: 1,
        });
        await expect(connect({ servers, tls })).rejects.toThrow(/Authorization/i);
        await Promise.all([operator.close(), nc.close()]);
      } finally {
        server.kill("SIGKILL");
        await once(server, "close");
      }
    });

    it("knows everybody by the password whose hash its environment has, and has nothing to say against it", async () => {
      const [template] = templatesFor(["my-app"]);
      if (template === undefined) throw new Error("there is no template");
      const environment = parse(environmentLines(["my-app"]));
      const hashes = Object.entries(environment).filter(([name]) => name.endsWith("_HASH"));
      const server = spawn(binary, ["-c", await write(template)], {
        env: Object.fromEntries(hashes),
        stdio: ["ignore", "ignore", "pipe"],
      });
      let said = "";
      server.stderr.on("data", (text) => {
        said += String(text);
      });
      try {
        await expect.poll(() => said, { timeout: 20_000 }).toMatch(/Server is ready/);
        const port = Number(/client connections on .*:(\d+)/.exec(said)?.[1]);
        expect(said).not.toMatch(/WRN/);
        for (const user of ["topology", "gateway", "transcribe-worker", "publisher", "monitor", "my-app"]) {
          const pass = environment[`NATS_${user.toUpperCase().replace("-", "_")}_PASSWORD`] ?? "";
          const nc = await connect({ port, user, pass });
          await nc.close();
          await expect(connect({ port, user, pass: `${pass}x` }), user).rejects.toThrow(/Authorization/i);
        }
        await expect(connect({ port }), "nobody").rejects.toThrow(/Authorization/i);
      } finally {
        server.kill("SIGKILL");
        await once(server, "close");
      }
    });
  });
});

describe("renderConfig", () => {
  it("quotes what would otherwise change the configuration", () => {
    const storeDir = 'C:\\data "x" }';
    const text = renderConfig({ serverName: "a", host: "127.0.0.1", port: 4222, storeDir, syncAlways: true });
    expect(text).toContain('store_dir: "C:\\\\data \\"x\\" }"');
  });

  it("leaves room for 30 s of audio and the largest headers that a job has", () => {
    const list = Array.from({ length: 40 }, () => "x".repeat(256));
    const headers = writeHeaders({
      customId: "c".repeat(256),
      language: "Portuguese",
      timestamps: true,
      hotwords: list,
      phrases: list,
      submittedAt: Date.now(),
      start: 2 ** 40,
      last: true,
      together: 32,
      replayOf: "b".repeat(64),
      voice: "v".repeat(64),
      instructions: "",
      speed: 0.25,
      format: "flac",
      referenceText: "r".repeat(MAX_REFERENCE_TEXT),
      reference: "0".repeat(64),
      seed: MAX_SEED,
      pauseMs: 10_000,
    } satisfies Partial<Record<keyof typeof jobHeadersSchema.shape, unknown>>);
    const headerBytes = headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 200);
    expect(30 * SAMPLE_RATE * 2 + headerBytes).toBeLessThan(DEFAULT_MAX_PAYLOAD);
  });
});
