/**
 * `npm run test:bundle`: packs a bundle in parts of 28 MB and carries them to a machine that has nothing and reaches
 * nothing. That is a root folder with the C library, a shell and the few programs that unpack, in a network namespace
 * with nothing but its loopback. There it is unpacked and started, transcribes, speaks, runs the demo, and its check of
 * a GPU finds none. Damaged and missing parts are tried first. The last line is JSON: packed_mb, unpacked_mb, parts,
 * ready_s, transcript_ok, speech_ok, demo_ok, check_ok, damage_named.
 *
 * It needs Linux, and a user who may make namespaces (root, or where user namespaces are allowed).
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { makeEmptyRoot } from "./empty-root.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const MOST_PACKED_MB = 120;
const LIMIT_MS = 600_000;
const say = (text: string) => process.stdout.write(`${text}\n`);

const packedSchema = z.object({
  archive: z.string(),
  packed_mb: z.number(),
  unpacked_mb: z.number(),
  glibc: z.string(),
  parts: z.number(),
});
const seenSchema = z.object({ ready_s: z.number(), transcript: z.string(), speech_bytes: z.number() });

const work = mkdtempSync(join(tmpdir(), "parlance-bundle-"));
process.once("exit", () => rmSync(work, { recursive: true, force: true }));
const out = join(work, "out");
say("packing");
const packing = spawnSync(
  process.execPath,
  [join(root, "services/bundle/src/main.ts"), "--parts", "28M", "--out", out],
  {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  },
);
if (packing.status !== 0) throw new Error(`npm run bundle ended with ${packing.status}`);
const packed = packedSchema.parse(JSON.parse(packing.stdout.trim().split("\n").at(-1) ?? ""));
say(`${packed.parts} parts, ${packed.packed_mb} MB, for glibc ${packed.glibc} and newer`);

const machine = join(work, "machine");
makeEmptyRoot(machine);
const carrier = join(machine, "carrier");
mkdirSync(carrier);
// The parts travel, the whole does not.
const travels = readdirSync(out, { withFileTypes: true })
  .filter((entry) => entry.isFile() && join(out, entry.name) !== packed.archive)
  .map(({ name }) => name);
for (const name of travels) copyFileSync(join(out, name), join(carrier, name));
copyFileSync(new URL("first-requests.mjs", import.meta.url), join(machine, "first-requests.mjs"));
const parts = travels.filter((name) => /\.\d{3}$/.test(name)).sort();

const damageNamed = tryDamage();
say(damageNamed ? "damaged and missing parts are named" : "a damaged or missing part is not named");

const name = basename(packed.archive, ".tar.gz");
const unpacked = inMachine("sh /carrier/unpack.sh /opt");
say(unpacked.output.trim());
const seen = inMachine(
  [
    `cd /opt/${name}`,
    "./parlance start > /tmp/start.log 2>&1 &",
    "started=$!",
    `if LD_LIBRARY_PATH=lib bin/node /first-requests.mjs integration-tests/demo/audio/lights.wav; then ok=0; else ok=1; cat /tmp/start.log; fi`,
    "kill -TERM $started; wait $started",
    "exit $ok",
  ].join("\n"),
);
say(seen.output.trim());
const figures =
  seen.status === 0 ? seenSchema.parse(JSON.parse(seen.output.trim().split("\n").at(-1) ?? "")) : undefined;
const demo = inMachine(`cd /opt/${name} && ./parlance demo`);
say(demo.output.trim().split("\n").slice(-3).join("\n"));
const noGpu = inMachine(`cd /opt/${name} && ./parlance check --cuda`);
const onCpu = inMachine(`cd /opt/${name} && ./parlance check --device cpu --only facts,probe`);
say(`${noGpu.output.trim()}\n${onCpu.output.trim()}`);

const expected = JSON.parse(readFileSync(join(root, "integration-tests/demo/audio/sentences.json"), "utf8")) as {
  file: string;
  text: string;
}[];
const spoken = expected.find(({ file }) => file === "lights.wav")?.text ?? "";
const words = (text: string) => text.toLowerCase().match(/[a-z']+/g) ?? [];
const result = {
  packed_mb: packed.packed_mb,
  unpacked_mb: packed.unpacked_mb,
  parts: packed.parts,
  glibc: packed.glibc,
  ready_s: figures?.ready_s ?? null,
  transcript_ok: words(figures?.transcript ?? "").join(" ") === words(spoken).join(" "),
  speech_ok: (figures?.speech_bytes ?? 0) > 1_000,
  demo_ok: demo.status === 0,
  check_ok: noGpu.status === 2 && /^check: there is no GPU.*$/.test(noGpu.output.trim()) && onCpu.status === 0,
  damage_named: damageNamed,
};
say(JSON.stringify(result));
const holds =
  result.packed_mb < MOST_PACKED_MB &&
  result.transcript_ok &&
  result.speech_ok &&
  result.demo_ok &&
  result.check_ok &&
  result.damage_named &&
  unpacked.status === 0;
process.exit(holds ? 0 : 1);

/** One part with a byte that differs, then one that is not there: each is named, and nothing is unpacked. */
function tryDamage(): boolean {
  const [first = "", second = ""] = parts;
  const path = join(carrier, second);
  const whole = readFileSync(path);
  const damaged = Buffer.from(whole);
  damaged[1_000] = (damaged[1_000] ?? 0) ^ 1;
  writeFileSync(path, damaged);
  const told = inMachine("sh /carrier/unpack.sh /nowhere");
  rmSync(path);
  const missed = inMachine("sh /carrier/unpack.sh /nowhere");
  writeFileSync(path, whole);
  return (
    first !== "" &&
    told.status !== 0 &&
    told.output.includes(`${second} is damaged`) &&
    missed.status !== 0 &&
    missed.output.includes(`${second} is missing`) &&
    !readdirSync(machine).includes("nowhere")
  );
}

/** Runs a shell script in the empty root, with processes, mounts and a network of its own. */
function inMachine(script: string): { status: number | null; output: string } {
  writeFileSync(join(machine, "script.sh"), `set -u\n${script}\n`);
  const inside = `mount -t proc proc "${machine}/proc" && ip link set lo up && exec chroot "${machine}" /bin/sh /script.sh`;
  const run = spawnSync(
    "unshare",
    ["--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inside],
    {
      encoding: "utf8",
      timeout: LIMIT_MS,
      killSignal: "SIGKILL",
      // Nothing of this machine's environment.
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/tmp", TMPDIR: "/tmp" },
    },
  );
  return { status: run.status, output: `${run.stdout}${run.stderr}` };
}
