import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { putBuild } from "./put-build.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "parlance-build-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program that loads a part of itself only once it is told to. */
function build(version: number): Parameters<typeof putBuild>[1] {
  const texts = {
    "main.mjs": `process.stdout.write("up"); process.stdin.once("data", () => import("./part-${version}.mjs"));`,
    [`part-${version}.mjs`]: `process.stdout.write(" part ${version}"); process.exit(0);`,
  };
  const files = Object.entries(texts).map(([name, text]) => ({
    path: join("/anywhere", name),
    contents: new TextEncoder().encode(text),
  }));
  return { files, programs: ["main"] };
}

test("a service that runs while it is built anew loads its own parts, and the next one that starts loads the new ones", async () => {
  const run = async (meanwhile: () => void) => {
    const child = spawn(process.execPath, [join(folder, "main.mjs")], { stdio: ["pipe", "pipe", "inherit"] });
    let said = "";
    child.stdout.on("data", (chunk) => {
      said += chunk;
    });
    await once(child.stdout, "data");
    meanwhile();
    child.stdin.write("go on\n");
    await once(child, "close");
    return said;
  };
  putBuild(folder, build(1));
  expect(await run(() => putBuild(folder, build(2)))).toBe("up part 1");
  expect(await run(() => {})).toBe("up part 2");
});

test("what no build has made for a month goes, and nothing unfinished stays", () => {
  putBuild(folder, build(1));
  writeFileSync(join(folder, "part-0.mjs.7.new"), "");
  const long = new Date(Date.now() - 31 * 24 * 60 * 60 * 1_000);
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), long, long);
  putBuild(folder, build(2));
  expect(readdirSync(folder).sort()).toEqual(["main.mjs", "part-2.mjs"]);
});

test("several builds at once do not stumble over each other", async () => {
  const script = `
    const { putBuild } = await import(${JSON.stringify(new URL("put-build.ts", import.meta.url).href)});
    const files = Array.from({ length: 20 }, (_, part) => ({ path: "part-" + part + ".mjs", contents: new Uint8Array(9) }));
    for (let build = 0; build < 100; build++) putBuild(${JSON.stringify(folder)}, { files, programs: [] });`;
  const builds = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "ignore", "inherit"] }),
  );
  const codes = await Promise.all(builds.map(async (build) => (await once(build, "close"))[0]));
  expect(codes).toEqual([0, 0, 0, 0]);
  expect(readdirSync(folder)).toHaveLength(20);
});
