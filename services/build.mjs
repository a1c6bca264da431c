/**
 * `node services/build.mjs`: bundles the services into their dist folders, when their sources changed since the last time. A
 * built service starts faster than its sources and has less memory: no types to strip, and only what it uses of its packages.
 * What has native code or WebAssembly stays in node_modules. Services that run from there are not disturbed. With a service's name
 * it builds that one, whatever changed.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { programOptions } from "./bundle/src/program-options.ts";
import { putBuild } from "./stack/src/put-build.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

const decoder = "shared/audio/src/decoder/decoder-process.ts";
const listener = "shared/audio/src/live/listener-process.ts";
const cudaProbe = "shared/inference/src/accelerators/cuda-probe-child.ts";
/** Programs of each service: its main, and what it starts as processes of its own. */
const programs = {
  gateway: ["services/gateway/src/main.ts"],
  ingest: ["services/ingest/src/main.ts", decoder, listener],
  results: ["services/results/src/main.ts"],
  "transcribe-worker": [
    "services/transcribe-worker/src/main.ts",
    "services/transcribe-worker/src/engine.ts",
    cudaProbe,
  ],
  "tts-worker": ["services/tts-worker/src/main.ts", "services/tts-worker/src/engine.ts", cudaProbe],
  // Its workers' engines are those of their own folders.
  stack: ["services/stack/src/services-process.ts", decoder, listener, cudaProbe],
};
/** Programs that share no code with the others of their service, for that would bring them what the others need. */
const alone = { stack: ["run", "main", "topology-process"].map((name) => `services/stack/src/${name}.ts`) };

const [only] = process.argv.slice(2);
const inputs = fingerprint();
for (const service of only === undefined ? Object.keys(programs) : [only]) {
  const outdir = join(root, "services", service, "dist");
  const marker = join(outdir, ".inputs");
  if (only === undefined && existsSync(marker) && readFileSync(marker, "utf8") === inputs) continue;
  const groups = [programs[service], ...(alone[service] ?? []).map((path) => [path])];
  const builds = await Promise.all(groups.map((paths) => bundled(paths, outdir)));
  putBuild(outdir, { files: builds.flat(), programs: groups.flat().map((path) => basename(path, ".ts")) });
  writeFileSync(marker, inputs);
}

async function bundled(paths, outdir) {
  const entryPoints = paths.map((path) => ({ in: path, out: basename(path, ".ts") }));
  const { outputFiles } = await build({ absWorkingDir: root, entryPoints, outdir, write: false, ...programOptions });
  return outputFiles;
}

/** Of everything that a bundle is made of: the sources, the lockfile, and this file. */
function fingerprint() {
  const hash = createHash("sha256");
  const files = ["package-lock.json", "services/build.mjs"];
  const packages = ["shared", "services"].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => join(folder, name)),
  );
  for (const name of [...packages, "nats"]) {
    const src = join(name, "src");
    if (existsSync(join(root, src))) {
      files.push(join(name, "package.json"));
      for (const entry of readdirSync(join(root, src), { recursive: true, withFileTypes: true })) {
        if (entry.isFile() && /\.(ts|json|html|css|svg)$/.test(entry.name) && !entry.name.endsWith(".test.ts")) {
          files.push(join(entry.parentPath, entry.name).slice(root.length));
        }
      }
    }
  }
  for (const file of files.sort()) hash.update(file).update(readFileSync(join(root, file)));
  return hash.digest("hex");
}
