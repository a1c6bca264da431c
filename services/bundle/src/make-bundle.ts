/**
 * A bundle mirrors the repository, so that every program finds what it needs where it always lies. In it are Node,
 * nats-server and the C++ library (`bin`, `lib`), the built services and what people start. So are the packages with
 * native code or WebAssembly, ONNX Runtime for this platform alone, models, the demo's recordings, and everybody's
 * licences. `bundle.json` names each file's bytes.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { embeddedModels, voiceActivityModel } from "@parlance/catalogue";
import { findServer, serverSources } from "@parlance/nats";
import { buildPrograms, type Program } from "./build-programs.ts";
import { copyPackages } from "./copy-packages.ts";
import { addCudaProvider } from "./cuda-provider.ts";
import { glibcFloor, highestFloor } from "./glibc-floor.ts";
import { bundledFiles, writeInventory } from "./inventory.ts";
import { keptRoots, readPackage } from "./kept-packages.ts";
import { launcherScript } from "./launcher.ts";
import type { NamedModel } from "./named-models.ts";
import { type Licensed, licencesOfServices, licensedPackage, writeLicences } from "./third-party.ts";

export interface BundleOptions {
  /** The repository, installed and with its services built. */
  root: string;
  /** Made anew. */
  folder: string;
  models: readonly NamedModel[];
  /** Where ONNX Runtime's CUDA provider is taken from; undefined: the bundle runs on CPUs alone. */
  cudaFrom: string | undefined;
  environment: NodeJS.ProcessEnv;
  say: (text: string) => void;
}

export interface BundleResult {
  /** Oldest C library on which it runs, as `2.34`. */
  glibc: string;
  files: number;
  bytes: number;
}

const services = ["gateway", "ingest", "results", "transcribe-worker", "tts-worker", "stack"];
const programs: readonly Program[] = [
  { entry: "services/stack/src/model.ts", out: "services/stack/dist/model" },
  { entry: "services/stack/src/replay.ts", out: "services/stack/dist/replay" },
  { entry: "services/bundle/src/find-cuda.ts", out: "services/bundle/dist/find-cuda" },
  { entry: "integration-tests/demo/demo.ts", out: "integration-tests/dist/demo" },
  { entry: "integration-tests/check/check.ts", out: "integration-tests/dist/check" },
  { entry: "integration-tests/chaos/chaos.ts", out: "integration-tests/dist/chaos" },
  // A check's look at the device, which lies beside it.
  { entry: "shared/inference/src/accelerators/cuda-probe-child.ts", out: "integration-tests/dist/cuda-probe-child" },
];
/** What a check starts to compare the ways of decoding and of making speech: a program for each architecture that has them. */
const decodingWays = (root: string): Program[] =>
  globSync("shared/{asr,tts}/bench/loop/ways/*.ts", { cwd: root }).map((entry) => ({
    entry,
    out: entry.replace("bench/loop/ways/", "dist/loop-").replace(/\.ts$/, ""),
  }));
/** What those programs read, as it lies in the repository. */
const programFolders = ["integration-tests/demo/audio", "integration-tests/check/shapes"];
/** What the C++ programs here need beside the C library, where a machine lacks it. */
const cppLibraries = ["libstdc++.so.6", "libgcc_s.so.1"];

/** Throws with a sentence when something is not there to be bundled. */
export async function makeBundle({
  root,
  folder,
  models,
  cudaFrom,
  environment,
  say,
}: BundleOptions): Promise<BundleResult> {
  const at = (path: string) => join(folder, path);
  rmSync(folder, { recursive: true, force: true });
  for (const each of ["bin", "lib", "models", "licences"]) mkdirSync(at(each), { recursive: true });

  copyFileSync(process.execPath, at("bin/node"));
  const server = await findServer({
    serverBin: environment.NATS_SERVER_BIN,
    path: environment.PATH,
    cacheDir: environment.NATS_SERVER_CACHE ?? join(root, ".parlance/nats-server"),
    sources: serverSources,
    log: { info: (_fields, message) => say(message) },
  });
  copyFileSync(realpathSync(server.binary), at("bin/nats-server"));
  for (const library of cppLibraries) copyFileSync(findLibrary(library), at(`lib/${library}`));

  say("building");
  for (const service of services) {
    const dist = join(root, "services", service, "dist");
    if (!existsSync(dist)) throw new Error(`services/${service} is not built: node services/build.mjs`);
    cpSync(dist, at(`services/${service}/dist`), { recursive: true, filter: (path) => !path.endsWith(".map") });
  }
  const inside = await buildPrograms(root, folder, [...programs, ...decodingWays(root)]);
  writeFileSync(at("package.json"), `${JSON.stringify({ name: "parlance-bundle", private: true, type: "module" })}\n`);
  writeFileSync(at("services/stack/start.mjs"), 'await import("./dist/run.js");\n');
  for (const each of programFolders) cpSync(join(root, each), at(each), { recursive: true });

  const nodeModules = join(root, "node_modules");
  const kept = copyPackages({ roots: keptRoots(nodeModules), root, to: folder });

  if (cudaFrom !== undefined) {
    const runtime = readPackage(join(nodeModules, "onnxruntime-node"));
    const to = at(`node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}`);
    addCudaProvider({ from: cudaFrom, runtime, to, say });
  }
  for (const name of [...Object.values(embeddedModels), voiceActivityModel])
    cpSync(join(root, "models", name), at(`models/${name}`), { recursive: true });
  for (const { name, folder: from } of models) {
    say(`model ${name}`);
    cpSync(from, at(`models/${name}`), { recursive: true, dereference: true });
  }

  writeLicences(at("licences"), [
    ...licencesOfServices(root),
    ...[...inside].map((path) => licensedPackage(readPackage(path))),
    ...kept.map(licensedPackage),
    ...licencesOfPrograms(root, server.version),
    ...models.map(({ name, folder: from, licence = "unknown" }) => ({
      ...licensedPackage({ name, version: "", licence, folder: from }),
    })),
  ]);
  copyFileSync(join(root, "LICENSE"), at("LICENSE"));

  // What lies in lib is for machines without a C++ library of their own, and as new as the machine that bundled it.
  const floors = globSync("{bin,node_modules}/**/{node,nats-server,*.so*,*.node}", { cwd: folder })
    .filter((path) => !path.endsWith(".js"))
    .map((path) => glibcFloor(readFileSync(at(path))));
  const glibc = highestFloor(floors) ?? "2.17";
  writeFileSync(at("parlance"), launcherScript({ glibc, machine: process.arch }), { mode: 0o755 });
  const versions = { node: process.versions.node, "nats-server": server.version };
  const files = bundledFiles(folder);
  writeInventory(folder, { glibc, versions, files });
  return { glibc, files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** Where the program that runs this has it from. */
function findLibrary(name: string): string {
  const maps = readFileSync("/proc/self/maps", "utf8");
  const path = maps.match(new RegExp(`(/\\S*/${name.replaceAll(/[.+]/g, "\\$&")}\\S*)$`, "m"))?.[1];
  if (path === undefined) throw new Error(`${name} is not among the libraries of this process`);
  return realpathSync(path);
}

function licencesOfPrograms(root: string, natsVersion: string): Licensed[] {
  const node = globSync("node_modules/node/node_modules/node-*/LICENSE", { cwd: root }).map((path) => join(root, path));
  // Its licence is the Apache License 2.0, whose text its JavaScript client carries too.
  const apache = globSync("node_modules/@nats-io/nats-core/LICENSE*", { cwd: root }).map((path) => join(root, path));
  return [
    { name: "node", version: process.versions.node, licence: "MIT and others", files: node },
    { name: "nats-server", version: natsVersion, licence: "Apache-2.0", files: apache },
    { name: "libstdc++, libgcc", version: "", licence: "GPL-3.0 with GCC Runtime Library Exception", files: [] },
  ];
}
