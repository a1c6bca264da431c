import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type jobHeadersSchema, MAX_REFERENCE_TEXT, SAMPLE_RATE, writeHeaders } from "@parlance/contracts";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DEFAULT_MAX_PAYLOAD, renderConfig } from "./config.ts";
import { users } from "./permissions.ts";
import { passwordVariable, renderTemplate, templateFolder, templates } from "./templates.ts";
import { testServers } from "./testing.ts";

const run = promisify(execFile);
const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

const servers = await testServers();

describe("templates", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "parlance-conf-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(templates)("$file is what the code renders", async (template) => {
    expect(await readFile(join(templateFolder, template.file), "utf8")).toBe(renderTemplate(template));
  });

  describe.each(servers)("nats-server $version", ({ binary }) => {
    it.each(templates)("accepts $file", async (template) => {
      const here = renderTemplate(template)
        .replaceAll("/etc/nats/tls/key.pem", fixture("test-only-key.pem"))
        .replaceAll(/\/etc\/nats\/tls\/\w+\.pem/g, fixture("test-only-cert.pem"))
        .replace('"/data"', JSON.stringify(folder));
      const file = join(folder, template.file);
      await writeFile(file, here);
      const passwords = Object.fromEntries(users.map((user) => [passwordVariable(user), `password-${user}`]));
      const env = { ...passwords, NATS_SERVER_NAME: "nats-1" };
      const { stderr } = await run(binary, ["-t", "-c", file], { env });
      expect(stderr).toMatch(/is valid/);
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
      referenceSamples: 360_000,
      pauseMs: 10_000,
    } satisfies Partial<Record<keyof typeof jobHeadersSchema.shape, unknown>>);
    const headerBytes = headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 200);
    expect(30 * SAMPLE_RATE * 2 + headerBytes).toBeLessThan(DEFAULT_MAX_PAYLOAD);
  });
});
