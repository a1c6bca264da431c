/**
 * `node nats/src/fetch-servers.ts`: puts the oldest and the newest server that this machine's Debian mirror has into the cache, so
 * that the suites run against both. Elsewhere, list the programs in NATS_SERVER_BINS.
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { readSettings } from "@parlance/contracts";
import { debianSource } from "./server/fetch-debian.ts";
import { lookInCache } from "./server/search.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const cacheDir = resolve(repository, readSettings(["NATS_SERVER_CACHE"], process.env).NATS_SERVER_CACHE ?? "");

for (const suite of ["trixie", "sid"]) {
  const fetched = await debianSource({ suites: [suite] }).fetch({ cacheDir, log: undefined, signal: undefined });
  if ("reason" in fetched) console.error(`${suite}: ${fetched.reason}`);
}
console.log((await lookInCache(cacheDir)).map(({ version, binary }) => `${version} ${binary}`).join("\n"));
