/**
 * The images that services/Dockerfile and compose.yaml start from: those that are here, or come from a registry. Where
 * neither is so, images of the same names hold what theirs hold: a minimal Debian with this machine's Node and npm, or
 * with a nats-server.
 */
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findServer, serverSources } from "@parlance/nats";
import { type ContainerProgram, execute, orThrow } from "./container-program.ts";

const PULL_MS = 300_000;

export interface BaseImagesOptions {
  program: ContainerProgram;
  /** The repository, installed. */
  root: string;
  /** Names, as services/Dockerfile and compose.yaml have them. */
  node: string;
  nats: string;
  say: (text: string) => void;
}

/** Returns a word for each image: where it came from. Throws in one line when it can neither be had nor made. */
export async function provideBaseImages({
  program,
  root,
  node,
  nats,
  say,
}: BaseImagesOptions): Promise<Record<"node" | "nats", "here" | "pulled" | "made">> {
  const got = { node: have(program, node), nats: have(program, nats) };
  if (got.node !== undefined && got.nats !== undefined) return { node: got.node, nats: got.nats };
  const work = mkdtempSync(join(tmpdir(), "parlance-base-"));
  try {
    say("no registry of images answers: making a minimal Debian");
    const debian = join(work, "debian");
    makeDebian(debian);
    if (got.node === undefined) {
      const folder = join(work, "node");
      orThrow("cp", execute(["cp", "--archive", debian, folder]));
      addNode(folder);
      importFolder(program, folder, node, ['CMD ["node"]']);
    }
    if (got.nats === undefined) {
      const server = await findServer({
        serverBin: process.env.NATS_SERVER_BIN,
        path: process.env.PATH,
        cacheDir: process.env.NATS_SERVER_CACHE ?? join(root, ".parlance/nats-server"),
        sources: serverSources,
      });
      say(`${nats} has nats-server ${server.version} of this machine`);
      copyFileSync(realpathSync(server.binary), join(debian, "usr/local/bin/nats-server"));
      importFolder(program, debian, nats, ['ENTRYPOINT ["/usr/local/bin/nats-server"]', "VOLUME /data"]);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return { node: got.node ?? "made", nats: got.nats ?? "made" };
}

function have(program: ContainerProgram, image: string): "here" | "pulled" | undefined {
  if (program.run(["image", "inspect", image]).status === 0) return "here";
  return program.run(["pull", "--quiet", image], PULL_MS).status === 0 ? "pulled" : undefined;
}

/** As small as the `slim` images: without manuals, translations and package lists. */
function makeDebian(folder: string): void {
  if (process.getuid?.() !== 0) throw new Error("making base images needs root; or pull them where a registry answers");
  const looked = execute(["debootstrap", "--version"]);
  if (looked.status !== 0) throw new Error("no registry of images answers, and debootstrap is not there: install it");
  orThrow("debootstrap", execute(["debootstrap", "--variant=minbase", "--include=wget", "bookworm", folder]));
  for (const spare of globSync("{usr/share/{doc,man,locale,info},var/cache/apt,var/lib/apt/lists}/*", {
    cwd: folder,
  })) {
    rmSync(join(folder, spare), { recursive: true, force: true });
  }
}

function addNode(folder: string): void {
  const bin = join(folder, "usr/local/bin");
  copyFileSync(realpathSync(process.execPath), join(bin, "node"));
  chmodSync(join(bin, "node"), 0o755);
  // Of the npm that runs this, or of the one on PATH: its folder holds all that it needs.
  const program = process.env.npm_execpath ?? execute(["sh", "-c", "command -v npm"]).said;
  if (program === "") throw new Error("npm is not on PATH");
  const from = join(realpathSync(program), "../..");
  const modules = join(folder, "usr/local/lib/node_modules");
  mkdirSync(modules, { recursive: true });
  cpSync(from, join(modules, "npm"), { recursive: true, verbatimSymlinks: true });
  for (const name of ["npm", "npx"]) symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(bin, name));
  if (!/^node:/m.test(readFileSync(join(folder, "etc/passwd"), "utf8"))) {
    appendFileSync(join(folder, "etc/passwd"), "node:x:1000:1000::/home/node:/bin/sh\n");
    appendFileSync(join(folder, "etc/group"), "node:x:1000:\n");
    mkdirSync(join(folder, "home/node"));
  }
}

function importFolder(program: ContainerProgram, folder: string, image: string, changes: readonly string[]): void {
  const archive = `${folder}.tar`;
  orThrow("tar", execute(["tar", "--directory", folder, "--create", "--file", archive, "."]));
  const path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const change = [path, ...changes].flatMap((each) => ["--change", each]);
  orThrow(`importing ${image}`, program.run(["import", ...change, archive, image]));
  rmSync(archive);
}
