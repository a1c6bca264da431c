/**
 * What goes into the images of services/Dockerfile, as folders that mirror the repository: `services` is what every container has,
 * `speech` what those with models have besides. Nothing else of the repository gets there: no sources, no tests, nothing of
 * node_modules but the packages that the programs name and what these need.
 */
import { copyFileSync, cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { embeddedModels, voiceActivityModel } from "@parlance/catalogue";
import { buildPrograms } from "./build-programs.ts";
import { copyPackages } from "./copy-packages.ts";
import { addCudaProvider } from "./cuda-provider.ts";
import { keptRoots, readPackage } from "./kept-packages.ts";
import { licencesOfServices, licensedPackage, writeLicences } from "./third-party.ts";

const layers = {
  services: ["gateway", "results"],
  // Ingest listens to live sessions.
  speech: ["ingest", "transcribe-worker", "tts-worker"],
} as const;

export interface ImageFoldersOptions {
  /** The repository, installed and with its services built. */
  root: string;
  /** Made anew. */
  folder: string;
  /** Where ONNX Runtime's CUDA provider is taken from; default: the images are for CPUs alone. */
  cudaFrom?: string | undefined;
}

/** Throws with a sentence when a service is not built. */
export async function makeImageFolders({ root, folder, cudaFrom }: ImageFoldersOptions): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const at = (layer: keyof typeof layers, path: string) => join(folder, layer, path);

  for (const layer of ["services", "speech"] as const) {
    for (const service of layers[layer]) {
      const dist = join(root, "services", service, "dist");
      if (!existsSync(dist)) throw new Error(`services/${service} is not built: node services/build.mjs`);
      cpSync(dist, at(layer, `services/${service}/dist`), {
        recursive: true,
        filter: (path) => !/\.map$|\/\.inputs$/.test(path),
      });
    }
  }
  const inside = await buildPrograms(root, join(folder, "services"), [
    { entry: "nats/src/ensure.ts", out: "nats/dist/ensure" },
  ]);
  writeFileSync(
    at("services", "package.json"),
    `${JSON.stringify({ name: "parlance-image", private: true, type: "module" })}\n`,
  );
  copyFileSync(join(root, "LICENSE"), at("services", "LICENSE"));

  const everywhere = namedPackages(root, join(folder, "services"));
  const withModels = namedPackages(root, join(folder, "speech")).filter((name) => !everywhere.includes(name));
  const kept = [
    ...copyPackages({ roots: everywhere, root, to: join(folder, "services") }),
    ...copyPackages({ roots: withModels, root, to: join(folder, "speech") }),
  ];

  if (cudaFrom !== undefined) {
    const runtime = readPackage(join(root, "node_modules/onnxruntime-node"));
    const to = at("speech", `node_modules/onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}`);
    addCudaProvider({ from: cudaFrom, runtime, to, say: (text) => process.stdout.write(`${text}\n`) });
  }
  mkdirSync(at("speech", "models"), { recursive: true });
  for (const name of [...Object.values(embeddedModels), voiceActivityModel]) {
    cpSync(join(root, "models", name), at("speech", `models/${name}`), { recursive: true });
  }
  writeLicences(at("services", "licences"), [
    ...licencesOfServices(root),
    ...[...inside].map((path) => licensedPackage(readPackage(path))),
    ...kept.map(licensedPackage),
  ]);
}

/** The packages outside of the programs that their code names: as strings, for they are imported when they are first needed. */
export function namedPackages(root: string, folder: string): string[] {
  const code = globSync("{services,nats}/**/*.js", { cwd: folder }).map((path) =>
    readFileSync(join(folder, path), "utf8"),
  );
  return keptRoots(join(root, "node_modules")).filter((name) =>
    code.some((text) => [`"${name}"`, `"${name}/`].some((quoted) => text.includes(quoted))),
  );
}

if (import.meta.main) {
  const [folder, cudaFrom] = process.argv.slice(2);
  if (folder === undefined)
    throw new Error(
      "node services/bundle/src/image-folders.ts FOLDER [nuget, or a FOLDER or FILE of the CUDA provider]",
    );
  await makeImageFolders({ root: join(import.meta.dirname, "../../.."), folder, cudaFrom });
}
