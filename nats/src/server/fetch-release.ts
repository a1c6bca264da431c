/**
 * The project's own release from GitHub: a static program for every platform. The archive is checked against the SHA256SUMS
 * of the same release, so a broken or mixed-up download is refused; both come from the same place over https, so this does not
 * protect from a release that was tampered with there. Where that matters, install the program yourself and set NATS_SERVER_BIN.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ServerSource } from "./find-server.ts";
import { lookAt, programName } from "./search.ts";

const run = promisify(execFile);

export const RELEASE = "2.14.5";
const RELEASES = "https://github.com/nats-io/nats-server/releases/download";
/** A machine that cannot reach GitHub must notice soon. */
const FIRST_ANSWER_MS = 5_000;
const STALL_MS = 30_000;
const PROGRESS_EVERY_MS = 2_000;

const architectures: Partial<Record<NodeJS.Architecture, string>> = {
  x64: "amd64",
  arm64: "arm64",
  arm: "arm7",
  ia32: "386",
  ppc64: "ppc64le",
  riscv64: "riscv64",
  s390x: "s390x",
};
const systems: Partial<Record<NodeJS.Platform, string>> = {
  linux: "linux",
  darwin: "darwin",
  win32: "windows",
  freebsd: "freebsd",
};

export interface ReleaseOptions {
  version?: string;
  /** Where releases lie; tests put their own there. */
  base?: string;
}

export function releaseSource({ version = RELEASE, base = RELEASES }: ReleaseOptions = {}): ServerSource {
  return {
    name: `the release ${version} on GitHub`,
    async fetch({ cacheDir, log, signal }) {
      const name = archiveName(version);
      if (name === undefined) return { reason: `there is none for ${process.platform} ${process.arch}` };
      let work: string | undefined;
      try {
        const sums = new TextDecoder().decode(await download(`${base}/v${version}/SHA256SUMS`, { signal }));
        const expected = checksumOf(sums, name);
        if (expected === undefined) return { reason: `its SHA256SUMS does not name ${name}` };
        const archive = await download(`${base}/v${version}/${name}`, {
          signal,
          onProgress: (bytes, total) => log?.info({ bytes, total }, `downloading ${name}`),
        });
        if (createHash("sha256").update(archive).digest("hex") !== expected) {
          return { reason: `${name} does not have the checksum that its release states` };
        }
        await mkdir(cacheDir, { recursive: true });
        work = await mkdtemp(join(cacheDir, ".fetch-"));
        await writeFile(join(work, name), archive);
        // bsdtar, which Windows 10 and macOS have, reads zip files too.
        await run("tar", ["-xf", name], { cwd: work });
        const program = join(work, name.replace(/\.(tar\.gz|zip)$/, ""), programName);
        await chmod(program, 0o755);
        return await keepProgram(program, cacheDir, version, "the release on GitHub");
      } catch (error) {
        signal?.throwIfAborted();
        return { reason: reasonOf(error) };
      } finally {
        if (work) await rm(work, { recursive: true, force: true });
      }
    },
  };
}

/** Moves a fetched program to its place in the cache, whole or not at all, and looks whether it runs. */
export async function keepProgram(program: string, cacheDir: string, version: string, source: string) {
  const looked = await lookAt(program, source);
  if (!("binary" in looked)) return looked;
  const folder = join(cacheDir, version);
  await mkdir(folder, { recursive: true });
  const binary = join(folder, programName);
  // The program may come from another file system, across which nothing can be moved.
  const draft = `${binary}.${process.pid}`;
  await copyFile(program, draft);
  await rename(draft, binary);
  return { ...looked, binary };
}

export function archiveName(
  version: string,
  platform: NodeJS.Platform = process.platform,
  arch: NodeJS.Architecture = process.arch,
): string | undefined {
  const system = systems[platform];
  const architecture = architectures[arch];
  if (system === undefined || architecture === undefined) return undefined;
  return `nats-server-v${version}-${system}-${architecture}.${system === "windows" ? "zip" : "tar.gz"}`;
}

export function checksumOf(sums: string, name: string): string | undefined {
  for (const line of sums.split("\n")) {
    const [sum, file] = line.trim().split(/\s+\*?/);
    if (file === name && /^[0-9a-f]{64}$/.test(sum ?? "")) return sum;
  }
  return undefined;
}

interface DownloadOptions {
  signal: AbortSignal | undefined;
  onProgress?: (bytes: number, total: number) => void;
}

async function download(url: string, { signal, onProgress }: DownloadOptions): Promise<Uint8Array> {
  const stalled = new AbortController();
  const why = (ms: number) => new Error(`no answer within ${ms / 1_000} s`);
  let timer = setTimeout(() => stalled.abort(why(FIRST_ANSWER_MS)), FIRST_ANSWER_MS);
  try {
    const response = await fetch(url, { signal: AbortSignal.any([stalled.signal, ...(signal ? [signal] : [])]) });
    if (!response.ok || !response.body) throw new Error(`${response.status} ${response.statusText}`.trim());
    const total = Number(response.headers.get("content-length") ?? 0);
    const parts: Uint8Array[] = [];
    let bytes = 0;
    let told = performance.now();
    for await (const part of response.body) {
      clearTimeout(timer);
      timer = setTimeout(() => stalled.abort(why(STALL_MS)), STALL_MS);
      parts.push(part);
      bytes += part.byteLength;
      if (performance.now() - told > PROGRESS_EVERY_MS) {
        told = performance.now();
        onProgress?.(bytes, total);
      }
    }
    return Buffer.concat(parts);
  } finally {
    clearTimeout(timer);
  }
}

/** `fetch failed` says nothing: its cause does. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause;
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0].message;
  return (cause instanceof Error ? cause.message : error.message).split("\n")[0] ?? "";
}
