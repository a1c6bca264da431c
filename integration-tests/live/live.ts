/**
 * `npm run test:live`: five sessions speak as fast as people do while gateway, ingest, the worker, its engine and nats-server are killed
 * with SIGKILL, 20 times in all. In the end every word that was said is in one utterance, every utterance has one final, which is
 * what its samples give as a file, and what was stable never changed.
 *
 * Then what strangers' sessions cost: sessions that nobody closes, audio that comes far too fast, a reader that reads nothing, and 1,000 sockets
 * that say nothing. Memory is bounded in each.
 *
 * `SEED=<n>` repeats an order of kills; `-- --kills 5 --targets ingest,engine --no-costs` makes it shorter. The last line is JSON:
 * kills, sessions, utterances, lost, doubled, changed, changed_after_stable, resumed, and megabytes by which the costs grew memory. Fails
 * when one of lost, doubled, changed and changed_after_stable is not 0, or memory grew beyond its bound.
 */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connectBus } from "@parlance/bus";
import { connect } from "nats";
import { readSpeech } from "../bench/load/known-speech.ts";
import { kill, type Target } from "../chaos/nemesis.ts";
import { loadDirectEngine } from "../src/direct-engine.ts";
import { startPipeline } from "../src/pipeline.ts";
import { seededRandom } from "../src/seeded-random.ts";
import { type CostFigures, measureCosts } from "./costs.ts";
import { readLedger } from "./ledger.ts";
import { callerOf, publisherOn, speakOn } from "./speakers.ts";

const everybody: readonly Target[] = ["gateway", "ingest", "transcribe-worker", "engine", "nats-server"];
const { values: wished } = parseArgs({
  allowNegative: true,
  options: {
    kills: { type: "string", default: "20" },
    targets: { type: "string", default: everybody.join(",") },
    publishers: { type: "string", default: "3" },
    sockets: { type: "string", default: "2" },
    costs: { type: "boolean", default: true },
  },
});
const KILLS = Number(wished.kills);
const targets = everybody.filter((target) => wished.targets.split(",").includes(target));
/** A service is back in a second or two, and its sessions after that. */
const KILL_EVERY_MS = { shortest: 3_000, longest: 7_000 };
const SESSION_SECONDS = { shortest: 20, longest: 40 };

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const random = seededRandom(seed);
const say = (text: string) => process.stdout.write(`${text}\n`);
say(`seed ${seed}`);

const engine = await loadDirectEngine();
const speech = await readSpeech(engine);
const harmed = await whileKilled();
for (const failure of harmed.failures) say(failure);
await engine.close();
const costs: CostFigures | undefined = wished.costs ? await measureCosts(speech, say) : undefined;

const { figures, kills } = harmed;
const { lost, doubled, changed, changed_after_stable } = figures;
const claims = {
  [`${KILLS} processes were killed`]: kills === KILLS,
  "no utterance and no word is lost": lost === 0,
  "nothing is told twice": doubled === 0,
  "every final is what its samples give as a file": changed === 0,
  "what was stable never changed": changed_after_stable === 0,
  ...costs?.claims,
};
for (const [claim, holds] of Object.entries(claims)) say(`${holds ? "holds" : "FAILS"}: ${claim}`);
const line = JSON.stringify({ kills, ...figures, ...costs?.figures, seed });
// A socket that is full takes the rest later: who ends before that has not said it.
process.stdout.write(`${line}\n`, () => process.exit(Object.values(claims).every(Boolean) ? 0 : 1));

async function whileKilled() {
  const settings = { ENABLE_TTS: "false", IDLE_TIMEOUT: "0", PROCESSES: "many" };
  const pipeline = await startPipeline(settings, { onLine: (text) => say(`  ${text}`) });
  const bus = await connectBus({ url: pipeline.natsUrl, name: "live", ...pipeline.credentials("topology") });
  const nc = await connect({ servers: pipeline.natsUrl, maxReconnectAttempts: -1, reconnectTimeWait: 200 });
  try {
    const enough = new AbortController();
    const speakers = [
      ...Array.from({ length: Number(wished.publishers) }, () => publisherOn(nc)),
      ...Array.from({ length: Number(wished.sockets) }, () => callerOf(pipeline)),
    ];
    const speaking = Promise.all(
      speakers.map((speaker, index) =>
        speakOn(speaker, { speech, random: seededRandom(seed + index), ...SESSION_SECONDS, signal: enough.signal }),
      ),
    );
    speaking.catch(() => enough.abort());
    await pause(KILL_EVERY_MS.longest);
    let kills = 0;
    for (const target of shuffled(KILLS)) {
      if (enough.signal.aborted) break;
      if (await kill(pipeline, target)) kills += 1;
      say(`${kills} of ${KILLS}: ${target}`);
      await pause(KILL_EVERY_MS.shortest + random() * (KILL_EVERY_MS.longest - KILL_EVERY_MS.shortest));
    }
    enough.abort();
    const spoken = (await speaking).flat();
    return { kills, ...(await readLedger(spoken, { bus, engine })) };
  } finally {
    await nc.close();
    await bus.close();
    await pipeline.stop();
  }
}

/** All targets as often as each other, in no order. */
function shuffled(count: number): Target[] {
  const order = Array.from({ length: count }, (_, index) => targets[index % targets.length] ?? "ingest");
  return order
    .map((target) => ({ target, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ target }) => target);
}
