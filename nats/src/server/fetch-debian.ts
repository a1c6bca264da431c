/**
 * The nats-server package of the Debian (or Ubuntu) mirror that this machine's own apt sources name, without root. Apt
 * downloads into folders of its own, checks the mirror's signature with the distribution's keys, and dpkg unpacks the
 * file. What is installed on the machine does not change.
 */
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { keepProgram } from "./fetch-release.ts";
import type { ServerSource } from "./find-server.ts";
import type { Looked } from "./search.ts";
import { versionOf } from "./version.ts";

const run = promisify(execFile);
const APT_TIMEOUT_MS = 180_000;

export interface Mirror {
  site: string;
  keyring: string;
  component: string;
  /** In which to look, the best first. */
  suites: string[];
}

interface Distribution {
  keyring: string;
  component: string;
  /** Undefined: the machine's own release. */
  suites?: string[];
}

const distributions: Record<string, Distribution> = {
  // sid has the newest; its program needs a C library of 2021 or later. trixie's is the oldest that will do, and does not move.
  Debian: {
    keyring: "/usr/share/keyrings/debian-archive-keyring.gpg",
    component: "main",
    suites: ["sid", "trixie"],
  },
  Ubuntu: { keyring: "/usr/share/keyrings/ubuntu-archive-keyring.gpg", component: "universe" },
};

const TARGETS = "$(SITE)|$(ORIGIN)|$(CODENAME)";

export function debianSource({ suites }: { suites?: string[] } = {}): ServerSource {
  return {
    name: "this machine's Debian mirror",
    async fetch({ cacheDir, log, signal }) {
      if (process.platform !== "linux") return { reason: "this is not Linux" };
      let mirror: Mirror | undefined;
      try {
        await Promise.all([which("apt-get"), which("dpkg")]);
        const { stdout } = await run("apt-get", ["indextargets", "--format", TARGETS], { timeout: APT_TIMEOUT_MS });
        mirror = mirrorOf(stdout);
        if (!mirror) return { reason: "apt's sources name no Debian or Ubuntu mirror" };
        await access(mirror.keyring, constants.R_OK);
      } catch (error) {
        return { reason: lastLine(error) };
      }
      const reasons: string[] = [];
      for (const suite of suites ?? mirror.suites) {
        signal?.throwIfAborted();
        log?.info({ suite }, "fetching nats-server from the machine's own package mirror");
        const fetched = await fetchSuite(mirror, suite, cacheDir, signal);
        if ("binary" in fetched) return fetched;
        reasons.push(`${suite}: ${fetched.reason}`);
      }
      return { reason: reasons.join(", ") };
    },
  };
}

/** The first mirror of a known distribution that carries packages, not only security updates. */
export function mirrorOf(indexTargets: string): Mirror | undefined {
  for (const line of indexTargets.split("\n")) {
    const [site = "", origin = "", codename = ""] = line.trim().split("|");
    const distribution = distributions[origin];
    if (!distribution || site === "" || /-security|-updates|-backports/.test(`${codename}${site}`)) continue;
    const { keyring, component, suites = [codename] } = distribution;
    return { site, keyring, component, suites };
  }
  return undefined;
}

async function fetchSuite(
  mirror: Mirror,
  suite: string,
  cacheDir: string,
  signal: AbortSignal | undefined,
): Promise<Looked> {
  // apt refuses folders that other users cannot enter when it runs as root, which a state folder may be.
  const work = await mkdtemp(join(tmpdir(), "parlance-apt-"));
  try {
    await mkdir(join(work, "lists", "partial"), { recursive: true });
    await mkdir(join(work, "cache", "archives", "partial"), { recursive: true });
    const list = join(work, "sources.list");
    await writeFile(list, `deb [signed-by=${mirror.keyring}] ${mirror.site} ${suite} ${mirror.component}\n`);
    const options = [
      `Dir::State=${work}`,
      `Dir::State::lists=${join(work, "lists")}`,
      `Dir::Cache=${join(work, "cache")}`,
      `Dir::Etc::sourcelist=${list}`,
      "Dir::Etc::sourceparts=-",
      "Dir::State::status=/var/lib/dpkg/status",
      "APT::Sandbox::User=",
      "Acquire::http::Timeout=15",
      "Acquire::https::Timeout=15",
      "Acquire::Retries=1",
      // Without this a mirror that cannot be reached is only a warning, and the error is about a missing package.
      "APT::Update::Error-Mode=any",
    ].flatMap((option) => ["-o", option]);
    const apt = (...command: string[]) =>
      run("apt-get", [...options, "-q", ...command], {
        cwd: work,
        timeout: APT_TIMEOUT_MS,
        ...(signal ? { signal } : {}),
      });
    await apt("update");
    await apt("download", "nats-server");
    const archive = (await readdir(work)).find((name) => name.endsWith(".deb"));
    if (archive === undefined) return { reason: "apt downloaded nothing" };
    await run("dpkg", ["-x", archive, "root"], { cwd: work, timeout: APT_TIMEOUT_MS });
    const program = join(work, "root", "usr", "sbin", "nats-server");
    const version = await versionOf(program);
    return await keepProgram(program, cacheDir, version, `${suite}'s package`);
  } catch (error) {
    signal?.throwIfAborted();
    return { reason: lastLine(error) };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function which(program: string): Promise<void> {
  try {
    await run(program, ["--version"]);
  } catch {
    throw new Error(`there is no ${program}`);
  }
}

/** apt ends with what went wrong, after all that went well. */
function lastLine(error: unknown): string {
  const said = error instanceof Error && "stderr" in error ? String(error.stderr) : "";
  const failures = said.split("\n").filter((line) => /^(E|W|Err):/.test(line));
  const text = failures[0] ?? (error instanceof Error ? error.message : String(error));
  return (text.split("\n")[0] ?? "").replace(/^[EW]: /, "").trim();
}
