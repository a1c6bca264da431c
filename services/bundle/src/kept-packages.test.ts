import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { closureOf } from "./kept-packages.ts";

let nodeModules: string;
beforeEach(() => {
  nodeModules = join(mkdtempSync(join(tmpdir(), "parlance-packages-")), "node_modules");
});
afterEach(() => rmSync(join(nodeModules, ".."), { recursive: true, force: true }));

function install(path: string, manifest: object): void {
  const folder = join(nodeModules, path);
  mkdirSync(folder, { recursive: true });
  const name = path.split("node_modules/").at(-1);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, version: "1.0.0", license: "MIT", ...manifest }));
}

it("a closure has what is needed by what is needed, each as Node would resolve it, and circles end", () => {
  install("codec", { dependencies: { parser: "*", shared: "*" } });
  install("codec/node_modules/parser", { version: "2.0.0", dependencies: { codec: "*" } });
  install("parser", {});
  install("shared", {});
  const found = closureOf({ roots: ["codec"], nodeModules }).map(({ name, version }) => `${name} ${version}`);
  expect(found).toEqual(["codec 1.0.0", "parser 2.0.0", "shared 1.0.0"]);
});

it("what is optional may be absent, what is needed may not, and installers' own needs are left out", () => {
  install("runtime", { dependencies: { installer: "*" }, optionalDependencies: { extra: "*" } });
  const closure = (without: string[]) =>
    closureOf({ roots: ["runtime", "absent"], nodeModules, without: new Set(without) });
  expect(closure(["installer"]).map(({ name }) => name)).toEqual(["runtime"]);
  expect(() => closure([])).toThrow("installer, which runtime needs, is not installed");
});
