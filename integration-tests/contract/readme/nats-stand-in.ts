/**
 * A stand-in for the `nats` command line tool, where that is not at hand. It has the commands and flags that README.md
 * and nats/subjects.md use, as the tool's own sources have them (0.3.2), and no others. An unknown flag ends it, and so
 * does a payload that the tool would take for a template.
 */
import { buffer } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { connect, headers } from "nats";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    header: { type: "string", short: "H", multiple: true },
    "force-stdin": { type: "boolean" },
    "no-templates": { type: "boolean" },
    jetstream: { type: "boolean", short: "J" },
    raw: { type: "boolean", short: "r" },
    count: { type: "string" },
    wait: { type: "string" },
  },
});
const [command = "", subject = "", body] = positionals;

const nc = await connect({ servers: process.env.NATS_URL ?? "127.0.0.1:4222" });
try {
  if (command === "sub") await subscribe();
  else if (command === "request" || command === "req") await request();
  else if (command === "pub") await publish();
  else throw new Error(`no command ${command}`);
} finally {
  await nc.drain();
}

async function subscribe(): Promise<void> {
  const subscription = nc.subscribe(subject, { max: Number(values.count ?? Number.POSITIVE_INFINITY) });
  const quiet = setTimeout(() => subscription.unsubscribe(), seconds(values.wait) * 1_000);
  for await (const message of subscription) {
    quiet.refresh();
    show(message.subject, message.string());
  }
  clearTimeout(quiet);
}

async function request(): Promise<void> {
  const reply = await nc.request(subject, await payload(), { timeout: 5_000, headers: pairs() });
  show(reply.subject, reply.string());
}

async function publish(): Promise<void> {
  if (values.jetstream)
    show("stored", (await nc.request(subject, await payload(), { timeout: 5_000, headers: pairs() })).string());
  else nc.publish(subject, await payload(), { headers: pairs() });
}

/** The tool reads its input where no body is given and it is told to, or where it stands in a terminal. */
async function payload(): Promise<Uint8Array> {
  const bytes = body === undefined && values["force-stdin"] ? await buffer(process.stdin) : Buffer.from(body ?? "");
  if (!values["no-templates"] && bytes.includes("{{")) throw new Error("the tool would take this for a template");
  return bytes;
}

function pairs() {
  const set = headers();
  for (const header of values.header ?? []) {
    const colon = header.indexOf(":");
    set.append(header.slice(0, colon), header.slice(colon + 1));
  }
  return set;
}

function show(about: string, data: string): void {
  console.log(values.raw ? data : `[${about}]\n${data}`);
}

/** `1m`, `30s`; without one it waits for ever, here for an hour. */
function seconds(duration = "60m"): number {
  const [, count = "0", unit] = /^(\d+)(s|m)$/.exec(duration) ?? [];
  return Number(count) * (unit === "m" ? 60 : 1);
}
