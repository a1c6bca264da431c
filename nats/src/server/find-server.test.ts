import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mirrorOf } from "./fetch-debian.ts";
import { archiveName, checksumOf, releaseSource } from "./fetch-release.ts";
import { findServer, type ServerSource } from "./find-server.ts";
import { compareVersions } from "./version.ts";

const run = promisify(execFile);

describe("findServer", () => {
  let folder: string;
  let cacheDir: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "parlance-find-"));
    cacheDir = join(folder, "cache");
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const program = async (place: string, version: string) => {
    await mkdir(join(folder, place), { recursive: true });
    const file = join(folder, place, "nats-server");
    await writeFile(file, `#!/bin/sh\necho "nats-server: v${version}"\n`);
    await chmod(file, 0o755);
    return file;
  };
  const nowhere: ServerSource = { name: "nowhere", fetch: async () => ({ reason: "it is not there" }) };

  it("takes what NATS_SERVER_BIN names before all else", async () => {
    const named = await program("named", "2.11.0");
    await program("bin", "2.15.0");
    const found = await findServer({ serverBin: named, path: join(folder, "bin"), cacheDir });
    expect(found).toMatchObject({ binary: named, version: "2.11.0" });
  });

  it("does not take another one when NATS_SERVER_BIN is no good", async () => {
    await program("bin", "2.15.0");
    const path = join(folder, "bin");
    const old = findServer({ serverBin: await program("named", "2.9.1"), path, cacheDir });
    await expect(old).rejects.toThrow(/^NATS_SERVER_BIN \([^)]+\) is 2\.9\.1, older than 2\.10\.$/);
    const missing = findServer({ serverBin: join(folder, "nothing"), path, cacheDir });
    await expect(missing).rejects.toThrow(/^NATS_SERVER_BIN \([^)]+\) does not run: [^\n]+\.$/);
  });

  it("takes PATH's, then the newest of the cache, then what a source fetches", async () => {
    await program("bin", "2.12.0");
    await program("cache/2.10.27", "2.10.27");
    await program("cache/2.15.1", "2.15.1");
    await program("cache/2.9.0", "2.9.0");
    const path = `${join(folder, "empty")}:${join(folder, "bin")}`;
    expect((await findServer({ path, cacheDir })).version).toBe("2.12.0");
    expect((await findServer({ path: "", cacheDir })).version).toBe("2.15.1");
    const fetched = { binary: "x", version: "2.14.0", source: "there" };
    const sources = [nowhere, { name: "there", fetch: async () => fetched }];
    expect(await findServer({ path: "", cacheDir: join(folder, "none"), sources })).toBe(fetched);
  });

  it("an old server on PATH is passed over, and the error lists in one line what was tried", async () => {
    await program("bin", "2.9.10");
    const failed = findServer({ path: join(folder, "bin"), cacheDir, sources: [nowhere] });
    await expect(failed).rejects.toMatchObject({ problem: "server_not_found" });
    await expect(failed).rejects.toThrow(
      `No nats-server was found: the one on PATH is 2.9.10, older than 2.10; none in ${cacheDir}; nowhere: it is not there. Install nats-server 2.10 or newer, or set NATS_SERVER_BIN.`,
    );
  });

  describe("from a release", () => {
    const version = "2.14.5";
    const name = archiveName(version) ?? "";
    let site: Server;
    let base: string;
    let files: Map<string, Uint8Array | string>;
    beforeEach(async () => {
      files = new Map();
      site = createServer((request, response) => {
        const body = files.get(request.url ?? "");
        response.writeHead(body === undefined ? 404 : 200).end(body);
      });
      await new Promise<void>((resolve) => site.listen(0, "127.0.0.1", resolve));
      const address = site.address();
      base = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    });
    afterEach(() => new Promise((resolve) => site.close(resolve)));

    const publish = async () => {
      await program(name.replace(".tar.gz", ""), version);
      await run("tar", ["-czf", name, name.replace(".tar.gz", "")], { cwd: folder });
      const archive = await readFile(join(folder, name));
      files.set(`/v${version}/${name}`, archive);
      return createHash("sha256").update(archive).digest("hex");
    };
    const find = () => findServer({ path: "", cacheDir, sources: [releaseSource({ version, base })] });

    it("fetches, checks and keeps it", async () => {
      files.set(`/v${version}/SHA256SUMS`, `${await publish()}  ${name}\n`);
      const found = await find();
      expect(found).toMatchObject({ version, binary: join(cacheDir, version, "nats-server") });
      site.closeAllConnections();
      expect((await findServer({ path: "", cacheDir })).binary).toBe(found.binary);
    });

    it("refuses an archive that is not what the release states", async () => {
      await publish();
      files.set(`/v${version}/SHA256SUMS`, `${"0".repeat(64)}  ${name}\n`);
      await expect(find()).rejects.toThrow(/does not have the checksum that its release states/);
    });

    it("says what it met: a missing file, no entry, nobody there", async () => {
      await expect(find()).rejects.toThrow(/404/);
      files.set(`/v${version}/SHA256SUMS`, "");
      await expect(find()).rejects.toThrow(/does not name nats-server-v2\.14\.5/);
      base = "http://127.0.0.1:1";
      await expect(find()).rejects.toThrow(/release 2\.14\.5 on GitHub: [^\n]+\. Install/);
    });
  });
});

describe("names and versions", () => {
  it("knows the release's file for a machine", () => {
    expect(archiveName("2.14.5", "linux", "x64")).toBe("nats-server-v2.14.5-linux-amd64.tar.gz");
    expect(archiveName("2.14.5", "darwin", "arm64")).toBe("nats-server-v2.14.5-darwin-arm64.tar.gz");
    expect(archiveName("2.14.5", "win32", "x64")).toBe("nats-server-v2.14.5-windows-amd64.zip");
    expect(archiveName("2.14.5", "aix", "ppc64")).toBeUndefined();
  });

  it("reads a SHA256SUMS file", () => {
    const sums = `${"a".repeat(64)}  other.tar.gz\n${"b".repeat(64)} *mine.tar.gz\nnonsense\n`;
    expect(checksumOf(sums, "mine.tar.gz")).toBe("b".repeat(64));
    expect(checksumOf(sums, "nonsense")).toBeUndefined();
  });

  it("orders versions by number", () => {
    expect(["2.10.27", "2.9.30", "2.15.0-RC.1", "2.10.3"].sort(compareVersions)).toEqual([
      "2.9.30",
      "2.10.3",
      "2.10.27",
      "2.15.0-RC.1",
    ]);
  });

  it("finds the mirror that carries packages among apt's targets", () => {
    const targets = [
      "https://example.test/node|Node Source|nodistro",
      "http://mirror.test/debian-security|Debian|bookworm-security",
      "http://mirror.test/debian|Debian|bookworm-updates",
      "http://mirror.test/debian|Debian|bookworm",
    ];
    expect(mirrorOf(targets.join("\n"))).toMatchObject({
      site: "http://mirror.test/debian",
      suites: ["sid", "trixie"],
    });
    expect(mirrorOf("http://mirror.test/ubuntu|Ubuntu|noble")).toMatchObject({
      suites: ["noble"],
      component: "universe",
    });
    expect(mirrorOf(targets.slice(0, 3).join("\n"))).toBeUndefined();
    expect(mirrorOf("")).toBeUndefined();
  });
});
