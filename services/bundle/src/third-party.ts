/** The licences of everything that a bundle or an image holds: one folder each, and one page that names them all. */
import { copyFileSync, existsSync, globSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { packagesOf } from "./build-programs.ts";
import { type KeptPackage, readPackage } from "./kept-packages.ts";

export interface Licensed {
  name: string;
  version: string;
  licence: string;
  /** Where its licence files lie, when that is not the package's own folder. */
  files: readonly string[];
}

const LICENCE_FILE = /^(licen[cs]e|copying|notice|third.?party.?notices?|copyright)/i;

export function licensedPackage({ name, version, licence, folder }: KeptPackage): Licensed {
  const files = readdirSync(folder)
    .filter((file) => LICENCE_FILE.test(file))
    .map((file) => join(folder, file));
  return { name, version, licence, files };
}

/** What became part of the services: their source maps name every file. */
export function licencesOfServices(root: string): Licensed[] {
  const folders = globSync("services/*/dist/*.map", { cwd: root }).flatMap((map) => {
    const { sources } = JSON.parse(readFileSync(join(root, map), "utf8")) as { sources: string[] };
    return [...packagesOf(join(root, dirname(map)), sources)];
  });
  return [...new Set(folders)].map((path) => licensedPackage(readPackage(path)));
}

/** Copies every licence file below `folder` and writes its index. A part without a licence file is named with its licence alone. */
export function writeLicences(folder: string, parts: readonly Licensed[]): void {
  mkdirSync(folder, { recursive: true });
  const sorted = [...parts].sort((a, b) => a.name.localeCompare(b.name));
  const rows = sorted.map(({ name, version, licence, files }) => {
    const own = join(folder, name.replaceAll("/", "__"));
    for (const file of files.filter((path) => existsSync(path))) {
      mkdirSync(own, { recursive: true });
      copyFileSync(file, join(own, file.split("/").at(-1) ?? "LICENSE"));
    }
    return `| ${name} | ${version} | ${licence} |`;
  });
  writeFileSync(
    join(folder, "README.md"),
    `# What this is made of\n\n| part | version | licence |\n| --- | --- | --- |\n${rows.join("\n")}\n\nThe texts lie beside this page, a folder each, where a part carries its own.\n`,
  );
}
