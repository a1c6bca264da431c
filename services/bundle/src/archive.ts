/** A folder as a `.tar.gz` whose bytes depend on nothing but its content: names in order, no owners, one time for all. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { basename, dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { constants, createGzip } from "node:zlib";

/** 2026-01-01: an archive of the beginning of time makes some tars complain. */
const TIME = "@1767225600";

/** Throws when the system has no GNU tar. */
export async function archiveFolder(folder: string, archive: string): Promise<void> {
  const options = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", `--mtime=${TIME}`, "--format=gnu"];
  const tar = spawn("tar", [...options, "-C", dirname(folder), "-cf", "-", basename(folder)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(tar, "close");
  await pipeline(tar.stdout, createGzip({ level: constants.Z_BEST_COMPRESSION }), createWriteStream(archive));
  const [code] = await ended;
  if (code !== 0) throw new Error(`tar ended with ${code}`);
}
