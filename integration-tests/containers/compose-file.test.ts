import { readFileSync } from "node:fs";
import { settingsTable } from "@parlance/contracts";
import { expect, it } from "vitest";
import * as z from "zod";
import {
  baseImagesOf,
  buildsOf,
  environmentNames,
  lastingServices,
  targetsOf,
  withoutWaiting,
} from "./compose-file.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const compose = read("compose.yaml");
const dockerfile = read("services/Dockerfile");

/** Of `npm start`, which runs nats-server and everything else itself. */
const launcherAlone = new Set([
  "LOG_FORMAT",
  "NATS_MEMORY_BYTES",
  "NATS_PORT",
  "NATS_SERVER_BIN",
  "NATS_SERVER_CACHE",
  "NATS_STORE_DIR",
  "PROCESSES",
  "PUBLISHERS",
  "STATE_DIR",
  "TRANSCRIBE_WORKERS",
  "TTS_WORKERS",
]);
/** Aliases of what compose.yaml or the images set themselves. */
const fixed = new Set(["API_KEY", "ASR_CACHE_DIR", "MKL_NUM_THREADS", "OMP_NUM_THREADS"]);
const hash = /^NATS_[A-Z_]+_HASH$/;
/** Read by nats-server itself. */
const natsServers = (name: string) => hash.test(name) || name === "GOMEMLIMIT";

it("every image that compose.yaml names is one that services/Dockerfile builds, or a base image", () => {
  expect(buildsOf(compose)).toEqual([
    { image: "parlance:services", target: "services" },
    { image: "parlance:cpu", target: "cpu" },
    { image: "parlance:cuda", target: "cuda" },
  ]);
  expect(targetsOf(dockerfile)).toEqual(expect.arrayContaining(buildsOf(compose).map(({ target }) => target)));
  expect(baseImagesOf(compose, dockerfile)).toEqual({
    node: expect.stringMatching(/^node:\d+\.\d+\.\d+-/),
    nats: expect.stringMatching(/^nats:\d+\.\d+\.\d+-/),
  });
});

it("the Dockerfile's Node is the one that the repository is run with", () => {
  const { dependencies } = z
    .object({ dependencies: z.object({ node: z.string() }) })
    .parse(JSON.parse(read("package.json")));
  expect(baseImagesOf(compose, dockerfile).node).toContain(`node:${dependencies.node}-`);
});

it("every setting that compose.yaml gives is in the table of settings, and none is left out but the launcher's own", () => {
  const given = environmentNames(compose).filter((name) => !natsServers(name));
  const known = Object.entries(settingsTable).flatMap(([name, { aliases = [] }]) => [name, ...aliases]);
  expect(known).toEqual(expect.arrayContaining(given));
  const left = Object.keys(settingsTable).filter((name) => !given.includes(name));
  expect(left.filter((name) => !launcherAlone.has(name))).toEqual([]);
  const aliases = Object.values(settingsTable).flatMap(({ aliases = [] }) => aliases);
  expect(aliases.filter((name) => !given.includes(name) && !fixed.has(name))).toEqual([]);
});

it("compose.yaml gives nats-server the hash of every password that its configuration asks for", () => {
  const asked = [...read("nats/conf/compose.conf").matchAll(/\$(NATS_\w+)$/gm)].map(([, name]) => name);
  expect(asked.length).toBeGreaterThan(0);
  const hashes = environmentNames(compose).filter((name) => hash.test(name));
  expect(hashes.sort()).toEqual([...new Set(asked)].sort());
});

it("the build knows every package of the workspace, and the programs that the containers run", () => {
  const { packages } = z
    .object({ packages: z.record(z.string(), z.object({ link: z.boolean().optional() })) })
    .parse(JSON.parse(read("package-lock.json")));
  const folders = Object.keys(packages).filter((path) => path !== "" && !path.includes("node_modules"));
  for (const folder of folders) expect(dockerfile).toContain(`COPY ${folder}/package.json ${folder}/package.json\n`);
  const programs = [...compose.matchAll(/command: \["node", "(.*?)"\]/g)].map((match) => match[1]);
  expect(programs.length).toBe(8);
  for (const path of programs) expect(path).toMatch(/^(services\/[a-z-]+\/dist\/main|nats\/dist\/ensure)\.js$/);
});

it("the lasting services are those of the pipeline", () => {
  const names = ["nats", "gateway", "ingest", "results", "transcribe-worker", "tts-worker"];
  expect(lastingServices(compose)).toEqual(names);
});

it("the copy for podman waits for nobody, and names the configuration's folder in full", () => {
  const copy = withoutWaiting(compose, "/somewhere/");
  expect(copy).not.toMatch(/service_completed_successfully|service_healthy/);
  expect(copy).toContain("- /somewhere/nats/conf:/etc/nats:ro");
  expect(lastingServices(copy)).toEqual(lastingServices(compose));
});
