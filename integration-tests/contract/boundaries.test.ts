/** The layout of the house, as design.md draws it: which package may know which, and what is said in one place only. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { architectureNames as asrArchitectures } from "@parlance/asr/abilities";
import { catalogue, embeddedModels } from "@parlance/catalogue";
import { architectureNames as ttsArchitectures } from "@parlance/tts/architecture-names";
import { describe, expect, it } from "vitest";
import { codeOf, typescriptFiles } from "./source-text.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Package {
  name: string;
  folder: string;
  dependencies: string[];
  devDependencies: string[];
}

const packages: readonly Package[] = [
  "nats",
  "integration-tests",
  ...foldersOf("shared"),
  ...foldersOf("services"),
].map((folder) => {
  const manifest: Record<string, unknown> = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
  return {
    name: ownName(String(manifest.name)),
    folder,
    dependencies: ownNames(manifest.dependencies),
    devDependencies: ownNames(manifest.devDependencies),
  };
});

/** What a package may import, as design.md draws the arrows. */
const allowed: Record<string, readonly string[]> = {
  catalogue: [],
  // Of the catalogue the names that are the defaults of settings.
  contracts: ["catalogue"],
  telemetry: ["contracts"],
  bus: ["contracts"],
  "gpu-lease": ["bus", "contracts"],
  "model-store": ["catalogue", "contracts"],
  // Live sessions are listened to by a model that ships.
  audio: ["catalogue", "contracts", "inference", "model-store"],
  inference: ["contracts", "model-store"],
  generation: ["contracts", "inference"],
  asr: ["contracts", "generation", "inference", "model-store"],
  tts: ["contracts", "generation", "inference", "model-store", "audio"],
  worker: ["bus", "catalogue", "contracts", "gpu-lease", "inference", "model-store", "telemetry"],
  nats: ["contracts"],
  // Of tts only the text front end, which loads no model.
  gateway: ["audio", "bus", "catalogue", "contracts", "telemetry", "tts"],
  ingest: ["audio", "bus", "contracts", "telemetry", "tts"],
  results: ["audio", "bus", "contracts", "telemetry"],
  "transcribe-worker": ["asr", "contracts", "inference", "telemetry", "worker"],
  "tts-worker": ["tts", "audio", "bus", "contracts", "inference", "telemetry", "worker"],
  // Runs the services: in one process it has them all in it. Of inference only which accelerators there are.
  stack: [
    ...["bus", "catalogue", "contracts", "inference", "nats", "telemetry"],
    ...["gateway", "ingest", "results", "transcribe-worker", "tts-worker"],
  ],
  // Packs what the others are; of asr and tts only the layouts by which folders are recognised.
  bundle: ["asr", "catalogue", "contracts", "model-store", "nats", "tts"],
};

/** What the tests of a package may import besides: what is real where a stand-in would prove less. */
const inTests: Record<string, readonly string[]> = {
  bus: ["nats"],
  "gpu-lease": ["nats"],
  worker: ["nats"],
  // Requests end in answers of the real results service.
  gateway: ["nats", "results"],
  // What fails in the middle of its audio ends as the results service says.
  ingest: ["nats", "results"],
  results: ["nats"],
  "transcribe-worker": ["bus", "model-store", "nats"],
  "tts-worker": ["nats"],
  // What the recipes made their golden outputs from.
  asr: ["audio"],
  tts: ["catalogue"],
};

describe("module boundaries", () => {
  const services = new Set(packages.filter(({ folder }) => dirname(folder) === "services").map(({ name }) => name));
  const inside = packages.filter(({ name }) => name !== "integration-tests");

  it("every package has its place in the layout", () => {
    expect(inside.map(({ name }) => name).sort()).toEqual(Object.keys(allowed).sort());
  });

  it.each(inside)(
    "$name declares and imports only what lies below it",
    ({ name, folder, dependencies, devDependencies }) => {
      const below = allowed[name] ?? [];
      const forTests = [...below, ...(inTests[name] ?? [])];
      expect(dependencies.filter((other) => !below.includes(other))).toEqual([]);
      expect(devDependencies.filter((other) => !forTests.includes(other))).toEqual([]);
      for (const file of typescriptFiles(join(root, folder))) {
        const isTest = isTestFile(file);
        const imported = importsOf(file).filter((specifier) => specifier.startsWith("@parlance/"));
        const known = isTest ? forTests : below;
        expect(
          imported.map(ownName).filter((other) => other !== name && !known.includes(other)),
          file,
        ).toEqual([]);
      }
    },
  );

  it("no service imports another; only the stack has them all", () => {
    for (const { name, dependencies } of packages.filter(({ name }) => services.has(name) && name !== "stack")) {
      expect(
        dependencies.filter((other) => services.has(other)),
        name,
      ).toEqual([]);
    }
  });

  it("no package reaches into another by a path", () => {
    for (const { folder, name } of inside) {
      for (const file of typescriptFiles(join(root, folder))) {
        const outside = importsOf(file)
          .filter((specifier) => specifier.startsWith("."))
          .filter((specifier) => relative(join(root, folder), join(dirname(file), specifier)).startsWith(`..${sep}`));
        expect(outside, `${name}: ${file}`).toEqual([]);
      }
    }
  });

  it("no files import each other in a circle, for their types alone neither", () => {
    const files = packages.flatMap(({ folder }) => typescriptFiles(join(root, folder)));
    const imports = new Map(
      files.map((file) => [
        file,
        importsOf(file)
          .filter((specifier) => specifier.startsWith("."))
          .map((specifier) => join(dirname(file), specifier)),
      ]),
    );
    expect(circleIn(imports)?.map((file) => relative(root, file))).toBeUndefined();
    expect(
      circleIn(
        new Map([
          ["a", ["b"]],
          ["b", ["c"]],
          ["c", ["b"]],
        ]),
      ),
    ).toEqual(["b", "c", "b"]);
  });
});

describe("what is said in one place", () => {
  const product = packages
    .filter(({ name }) => name !== "integration-tests")
    .flatMap(({ name, folder }) => typescriptFiles(join(root, folder)).map((file) => ({ name, file })))
    .filter(({ file }) => !isTestFile(file))
    .map(({ name, file }) => ({ name, file, code: codeOf(readFileSync(file, "utf8")) }));

  function naming(pattern: RegExp, except: readonly string[]): string[] {
    return product.filter(({ name, code }) => !except.includes(name) && pattern.test(code)).map(({ file }) => file);
  }

  it("architectures and models are named by asr, tts and the catalogue", () => {
    const names = [...asrArchitectures, ...ttsArchitectures, ...Object.values(embeddedModels)];
    const published = catalogue.map(({ id }) => id.split("/").at(-1) ?? id);
    // Of an architecture the first word: `whisper` of `openWhisper` and of `whisper-base` too.
    const words = [...asrArchitectures, ...ttsArchitectures].map((name) => /^[a-z]+/.exec(name)?.[0] ?? name);
    const inIdentifiers = words.map((word) => `\\b${word}|${word.charAt(0).toUpperCase()}${word.slice(1)}`);
    const pattern = new RegExp([...names, ...published, ...inIdentifiers].join("|"));
    expect(naming(pattern, ["asr", "tts", "catalogue"])).toEqual([]);
    expect(naming(pattern, []), "the pattern finds what there is").not.toEqual([]);
  });

  it("JetStream is asked by the bus alone, in tests too; nats says who may ask", () => {
    const pattern = /\$JS\.|\$KV\.|\$O\./;
    expect(naming(pattern, ["bus", "nats"])).toEqual([]);
    expect(naming(pattern, ["bus"])).not.toEqual([]);
    const asking = packages
      .filter(({ name }) => !["bus", "nats", "integration-tests"].includes(name))
      .flatMap(({ folder }) => typescriptFiles(join(root, folder)))
      .filter((file) => codeOf(readFileSync(file, "utf8")).includes("$JS.API"));
    expect(asking).toEqual([]);
  });

  it("only inference opens ONNX Runtime: a supervisor never loads it", () => {
    const pattern = /from "onnxruntime-node"|import\("onnxruntime-node"\)/;
    expect(naming(pattern, ["inference"])).toEqual([]);
    expect(naming(pattern, [])).not.toEqual([]);
  });
});

function foldersOf(group: string): string[] {
  return readdirSync(join(root, group), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(group, entry.name));
}

function ownNames(dependencies: unknown): string[] {
  return Object.keys(typeof dependencies === "object" && dependencies !== null ? dependencies : {})
    .filter((name) => name.startsWith("@parlance/"))
    .map(ownName);
}

/** `bus` of `@parlance/bus/testing`. */
function ownName(specifier: string): string {
  return specifier.split("/")[1] ?? "";
}

function importsOf(file: string): string[] {
  return [...readFileSync(file, "utf8").matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, name = ""]) => name);
}

/** Tests, what only they use, and benches. */
function isTestFile(file: string): boolean {
  return /\.test\.ts$|\/(testing|fixtures|bench|simulation)\//.test(file);
}

/** The first circle that is found, from one of its files back to it. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const way: string[] = [];
  function walk(file: string): string[] | undefined {
    const at = way.indexOf(file);
    if (at !== -1) return [...way.slice(at), file];
    if (done.has(file)) return undefined;
    way.push(file);
    for (const next of imports.get(file) ?? []) {
      const circle = walk(next);
      if (circle !== undefined) return circle;
    }
    way.pop();
    done.add(file);
    return undefined;
  }
  for (const file of imports.keys()) {
    const circle = walk(file);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
