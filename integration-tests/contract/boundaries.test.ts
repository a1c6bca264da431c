import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Package {
  name: string;
  folder: string;
  imports: string[];
}

function packages(): Package[] {
  const folders = ["nats", "integration-tests"];
  for (const group of ["shared", "services"]) {
    for (const entry of readdirSync(join(root, group), { withFileTypes: true })) {
      if (entry.isDirectory()) folders.push(join(group, entry.name));
    }
  }
  return folders.map((folder) => {
    const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as {
      name: string;
      dependencies?: Record<string, string>;
    };
    const imports = Object.keys(manifest.dependencies ?? {})
      .filter((name) => name.startsWith("@parlance/"))
      .map((name) => name.slice("@parlance/".length));
    return { name: manifest.name.slice("@parlance/".length), folder, imports };
  });
}

/** What a package may import, as design.md draws the arrows. The lint rule keeps imports to what package.json declares. */
const allowed: Record<string, readonly string[]> = {
  contracts: [],
  telemetry: ["contracts"],
  bus: ["contracts"],
  "gpu-lease": ["bus", "contracts"],
  "model-store": ["contracts"],
  audio: ["contracts"],
  inference: ["contracts", "model-store"],
  asr: ["contracts", "inference", "model-store"],
  tts: ["contracts", "inference", "model-store", "audio"],
  worker: ["bus", "contracts", "gpu-lease", "inference", "telemetry"],
  nats: ["contracts"],
  // Of tts only the text front end, which loads no model.
  gateway: ["audio", "bus", "contracts", "telemetry", "tts"],
  ingest: ["audio", "bus", "contracts", "telemetry", "tts"],
  results: ["audio", "bus", "contracts", "telemetry"],
  "transcribe-worker": ["asr", "bus", "contracts", "inference", "model-store", "telemetry", "worker"],
  "tts-worker": ["tts", "audio", "bus", "contracts", "inference", "model-store", "telemetry", "worker"],
  stack: ["bus", "contracts", "nats", "telemetry"],
  // Packs what the others are; of asr only the layouts by which folders are recognised.
  bundle: ["asr", "contracts", "model-store", "nats"],
};

describe("module boundaries", () => {
  const all = packages();

  it("every package imports only what lies below it", () => {
    for (const { name, imports } of all) {
      if (name === "integration-tests") continue;
      expect(allowed, `${name} has no place in the layout`).toHaveProperty(name);
      expect(
        imports.filter((other) => !allowed[name]?.includes(other)),
        `${name} imports upwards`,
      ).toEqual([]);
    }
  });

  it("no service imports another", () => {
    const services = new Set(all.filter(({ folder }) => dirname(folder) === "services").map(({ name }) => name));
    for (const { folder, name, imports } of all) {
      if (dirname(folder) !== "services") continue;
      expect(
        imports.filter((other) => services.has(other)),
        `${name} imports a service`,
      ).toEqual([]);
    }
  });

  it("no code outside shared/asr and shared/tts names an architecture", () => {
    const architectures = /["'`](ctc|whisper|qwen3-asr|qwen3-tts)["'`]/;
    for (const { folder } of all) {
      if (/^(shared\/(asr|tts)|integration-tests)$/.test(folder)) continue;
      for (const file of sources(join(root, folder))) {
        if (file.includes("/testing/") || file.endsWith(".test.ts")) continue;
        expect(architectures.test(readFileSync(file, "utf8")), `${file} names an architecture`).toBe(false);
      }
    }
  });

  it("only inference opens ONNX Runtime: a supervisor never loads it", () => {
    for (const { folder } of all) {
      if (/^(shared\/inference|integration-tests)$/.test(folder)) continue;
      for (const file of sources(join(root, folder))) {
        expect(/from "onnxruntime-node"|import\("onnxruntime-node"\)/.test(readFileSync(file, "utf8")), file).toBe(
          false,
        );
      }
    }
  });
});

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/node_modules|\/dist\//.test(file));
}
