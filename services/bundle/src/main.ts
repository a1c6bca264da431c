/**
 * `npm run bundle [-- --model <id or folder> … --cuda --parts 28M --out <folder>]`: one archive for a machine that has
 * nothing and reaches nothing. It comes with its checksums, in parts where a size is given, and with a script that
 * joins and unpacks them. `--cuda` adds ONNX Runtime's CUDA provider, `--cuda-from <folder or file | nuget | pypi>`
 * says where it is taken from. The last line is JSON: archive, packed_mb, unpacked_mb, glibc, files, parts.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { toSpeechError } from "@parlance/contracts";
import { archiveFolder } from "./archive.ts";
import { makeBundle } from "./make-bundle.ts";
import { namedModels } from "./named-models.ts";
import { parseSize, splitFile, writeChecksums, writeJoinScript } from "./split.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const say = (text: string) => process.stderr.write(`bundle: ${text}\n`);

try {
  await main();
} catch (error) {
  const known = toSpeechError(error);
  say(known.code === "internal" && error instanceof Error ? error.message : known.message);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      model: { type: "string", multiple: true, default: [] },
      cuda: { type: "boolean", default: false },
      "cuda-from": { type: "string" },
      parts: { type: "string" },
      out: { type: "string", default: ".parlance/bundle" },
    },
  });
  if (process.platform !== "linux") throw new Error("a bundle is made on the platform that it is for, which is Linux");
  const partBytes = values.parts === undefined ? undefined : parseSize(values.parts);
  const out = resolve(root, values.out);
  const name = `parlance-linux-${process.arch}`;
  const archive = join(out, `${name}.tar.gz`);
  mkdirSync(out, { recursive: true });
  // Parts of an earlier archive would be joined to this one's.
  for (const file of readdirSync(out)) if (file.startsWith(`${name}.tar.gz`)) rmSync(join(out, file));

  const built = spawnSync(process.execPath, [join(root, "services/build.mjs")], { stdio: "inherit" });
  if (built.status !== 0) throw new Error("the services could not be built");
  const cudaFrom = values["cuda-from"] ?? (values.cuda ? "auto" : undefined);
  const environment = process.env;
  const models = await namedModels(values.model, { cuda: cudaFrom !== undefined, environment, say });
  const folder = join(out, name);
  const { glibc, files, bytes } = await makeBundle({ root, folder, models, cudaFrom, environment, say });
  say("packing");
  await archiveFolder(folder, archive);
  const parts = partBytes === undefined ? [] : splitFile(archive, partBytes);
  await writeChecksums(archive, parts);
  writeJoinScript(archive, parts, name);
  const megabytes = (count: number) => Math.round(count / 1e5) / 10;
  process.stdout.write(
    `${JSON.stringify({ archive, packed_mb: megabytes(statSync(archive).size), unpacked_mb: megabytes(bytes), glibc, files, parts: parts.length })}\n`,
  );
}
