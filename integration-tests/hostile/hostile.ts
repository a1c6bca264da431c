/**
 * `npm run test:hostile`: 5,000 generated protocol messages of two hostile publishers and 2,000 generated HTTP requests
 * come down on the whole pipeline while a good publisher and a good client have 200 items done. It runs on the oldest
 * nats-server that is supported and on the newest. Nothing is forged, nothing crashes, and what was bad is put aside
 * and tidied away.
 *
 * `SEED=<n>` repeats a storm. The last line is JSON: the worse of the servers' figures, and each server's own.
 */
import { testServers } from "@parlance/nats/testing";
import { type StormFigures, storm } from "./storm.ts";

const MESSAGES = 5_000;
const REQUESTS = 2_000;
const GOOD_ITEMS = 200;
/** All services and nats-server together, after the storm over before it: caches that fill, not what grows with every message. */
const MOST_GROWTH_MB = 400;

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const say = (text: string) => process.stdout.write(`${text}\n`);
say(`seed ${seed}`);

const servers: StormFigures[] = [];
for (const { binary, version } of await testServers()) {
  servers.push(await storm({ binary, version, seed, messages: MESSAGES, requests: REQUESTS, say }));
  say(JSON.stringify(servers.at(-1)));
}

const least = (name: "messages" | "requests" | "good_done") => Math.min(...servers.map((figures) => figures[name]));
const most = (name: "forged" | "dead" | "crashes" | "restarts_of_engine" | "internal_errors" | "rss_growth_mb") =>
  Math.max(...servers.map((figures) => figures[name]));
const figures = {
  messages: least("messages"),
  requests: least("requests"),
  good_done: least("good_done"),
  forged: most("forged"),
  dead: most("dead"),
  crashes: most("crashes"),
  restarts_of_engine: most("restarts_of_engine"),
  janitor_ok: servers.every(({ janitor_ok }) => janitor_ok),
  internal_errors: most("internal_errors"),
  rss_growth_mb: most("rss_growth_mb"),
  seed,
  servers,
};
const holds =
  servers.length > 0 &&
  figures.messages >= MESSAGES &&
  figures.requests >= REQUESTS &&
  figures.good_done === GOOD_ITEMS &&
  figures.forged === 0 &&
  figures.dead > 0 &&
  figures.crashes === 0 &&
  figures.restarts_of_engine === 0 &&
  figures.internal_errors === 0 &&
  figures.janitor_ok &&
  figures.rss_growth_mb <= MOST_GROWTH_MB;
say(JSON.stringify(figures));
process.exit(holds ? 0 : 1);
