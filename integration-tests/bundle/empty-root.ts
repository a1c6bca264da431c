/** A root folder with the C library, a shell, and the few programs that unpack an archive: no Node, no C++ library, no compiler. */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const programs = [
  "cat",
  "chmod",
  "cut",
  "dirname",
  "gzip",
  "kill",
  "mkdir",
  "mv",
  "readlink",
  "rm",
  "sha256sum",
  "sleep",
  "tar",
];
/** Of the C library's parts those that programs open while they run, or link to without a need of their own. */
const libraries = [
  "libc.so.6",
  "libm.so.6",
  "libdl.so.2",
  "libpthread.so.0",
  "librt.so.1",
  "libresolv.so.2",
  "libnss_files.so.2",
];

/** Throws when the machine lacks one of the programs. */
export function makeEmptyRoot(root: string): void {
  for (const folder of ["bin", "dev", "etc", "opt", "proc", "tmp"]) mkdirSync(join(root, folder), { recursive: true });
  copyWithLibraries(realpathSync(find("sh")), join(root, "bin/sh"), root);
  for (const program of programs) {
    // The shell has some of them in itself.
    const path = locate(program);
    if (path === undefined) continue;
    copyWithLibraries(realpathSync(path), join(root, "bin", program), root);
  }
  const folder = dirname(
    librariesOf(find("sh")).find((path) => path.includes("libc.so")) ?? "/lib/x86_64-linux-gnu/libc.so.6",
  );
  for (const library of libraries) {
    const path = join(folder, library);
    if (existsSync(path)) copyOnce(path, join(root, path));
  }
  for (const device of ["null", "urandom"]) {
    // Without the right to make devices: a file that is empty, and one that is random enough for nobody's secrets.
    const made = spawnSync("mknod", ["-m", "666", join(root, "dev", device), "c", "1", device === "null" ? "3" : "9"]);
    if (made.status !== 0) writeFileSync(join(root, "dev", device), "");
  }
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/tmp:/bin/sh\n");
  symlinkSync("bin", join(root, "sbin"));
}

function locate(program: string): string | undefined {
  return ["/bin", "/usr/bin"].map((folder) => join(folder, program)).find((path) => existsSync(path));
}

function find(program: string): string {
  const path = locate(program);
  if (path === undefined) throw new Error(`this machine has no ${program}`);
  return path;
}

function copyWithLibraries(program: string, to: string, root: string): void {
  copyFileSync(program, to);
  for (const library of librariesOf(program)) copyOnce(library, join(root, library));
}

/** Absolute paths, the loader's among them. */
function librariesOf(program: string): string[] {
  const { stdout } = spawnSync("ldd", [program], { encoding: "utf8" });
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path = ""]) => path);
}

function copyOnce(from: string, to: string): void {
  if (existsSync(to)) return;
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(realpathSync(from), to);
}
