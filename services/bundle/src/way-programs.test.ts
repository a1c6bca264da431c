/** What a check starts to compare the ways of decoding, bundled as it is shipped: each reads its model's folder, and says what is wrong with it. */
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildPrograms } from "./build-programs.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const ways = globSync("shared/{asr,tts}/bench/loop/ways/*.ts", { cwd: root });
let bundle: string;

beforeAll(async () => {
  bundle = await mkdtemp(join(tmpdir(), "parlance-ways-"));
  await buildPrograms(
    root,
    bundle,
    ways.map((entry) => ({ entry, out: `ways/${basename(entry, ".ts")}` })),
  );
  await symlink(join(root, "node_modules"), join(bundle, "node_modules"));
});
afterAll(() => rm(bundle, { recursive: true }));

it.each(ways)("%s", (way) => {
  const folder = join(bundle, "nothing");
  const order = {
    ...{ folder, way: "loop", device: "cpu", format: "float32", rounds: 1, inputs: folder, cuda: {} },
    ...{ rows: 1, seconds: 1, budget: 8, batches: [1], frames: 4 },
  };
  const program = join(bundle, "ways", `${basename(way, ".ts")}.js`);
  const { stderr, status } = spawnSync(process.execPath, [program, JSON.stringify(order)], { encoding: "utf8" });
  expect(stderr).toContain(`Error: ${folder} has no manifest.json`);
  expect(status).toBe(1);
});
