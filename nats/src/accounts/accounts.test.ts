/** The walls between accounts, tried subject by subject: by publishing there, and by having an answer sent there. */
import { jetstreamManager } from "@nats-io/jetstream";
import { buckets, itemDoneSchema, requestVerbs, streamSubjects } from "@parlance/contracts";
import { connect, headers, type NatsConnection } from "nats";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startTestServer, type TestServer, testServers } from "../testing.ts";
import { accountsOf } from "./accounts.ts";

/** One subject under each that a stream keeps, and the subjects of JetStream's API that change or read something. */
const targets = [
  ...Object.values(streamSubjects)
    .flat()
    .filter((filter) => !filter.startsWith("speech.intake."))
    .map((filter) => filter.replace(">", "victim.0.0")),
  "speech.job.transcribe.batch.victim.0.0",
  "speech.sound.victim.0.0",
  "speech.intake.rest.victim",
  "speech.intake.operator.victim",
  `$KV.${buckets.batches}.batch.victim`,
  `$KV.${buckets.batches}.cancelled.victim`,
  `$KV.${buckets.lease}.gpu.cpu`,
  `$KV.${buckets.lease}.wanted.cpu.asr`,
  `$O.${buckets.files}.C.victim`,
  `$O.${buckets.files}.M.victim`,
  `$KV.${buckets.voices}.voice_victim`,
  `$O.${buckets.references}.M.victim`,
  "$JS.API.STREAM.CREATE.EVIL",
  "$JS.API.STREAM.UPDATE.JOBS",
  "$JS.API.STREAM.DELETE.JOBS",
  "$JS.API.STREAM.PURGE.JOBS",
  "$JS.API.STREAM.MSG.DELETE.RESULTS",
  "$JS.API.STREAM.MSG.GET.RESULTS",
  "$JS.API.STREAM.SNAPSHOT.JOBS",
  "$JS.API.DIRECT.GET.RESULTS",
  "$JS.API.DIRECT.GET.RESULTS.speech.done.victim.0",
  "$JS.API.CONSUMER.CREATE.RESULTS.evil",
  "$JS.API.CONSUMER.DURABLE.CREATE.RESULTS.evil",
  "$JS.API.CONSUMER.DELETE.JOBS.transcribe-batch",
  "$JS.API.CONSUMER.MSG.NEXT.JOBS.transcribe-batch",
  "$JS.ACK.INTAKE.ingest.1.1.1.1700000000000000000.0",
  "speech.from.other.cancel.b",
  "speech.from.rest.cancel.b",
  "speech.models.asr.unload",
  "speech.workers.victim",
  "speech.replay.victim",
  "_INBOX_gateway.victim",
  "_INBOX_topology.victim",
];

/** What each may ask for: the requests whose answers it could have sent elsewhere. */
const doors: Record<string, string[]> = {
  publisher: ["speech.intake.mine.drop", ...requestVerbs.map((verb) => `speech.${verb}.b`)],
  "my-app": ["speech.intake.my-app.drop", ...requestVerbs.map((verb) => `speech.${verb}.b`)],
  monitor: ["$JS.SPEECH.API.STREAM.INFO.RESULTS", "$JS.SPEECH.API.STREAM.LIST", "speech.workers"],
};

describe.each(await testServers())("accounts on $version", ({ binary }) => {
  let server: TestServer;
  let operator: NatsConnection;
  let services: NatsConnection;
  const open: NatsConnection[] = [];
  /** Every subject on which a message has come up in SPEECH. */
  let seen: string[];

  beforeAll(async () => {
    server = await startTestServer({ binary, secured: true, publishers: ["my-app", "other"] });
    operator = await server.connect();
    operator.subscribe(">", { callback: (_, { subject }) => void seen.push(subject) });
    services = await server.connect();
    services.subscribe("speech.from.>", { callback: (_, request) => void request.respond("an answer") });
    await Promise.all([operator.flush(), services.flush()]);
  });
  afterAll(async () => {
    await Promise.all(open.map((nc) => nc.close()));
    await server.stop();
  });
  beforeEach(() => {
    seen = [];
  });

  /** The publisher without a name brings no password. */
  async function connectAs(user: string): Promise<NatsConnection> {
    if (user !== "publisher") return await server.connect(user);
    const nc = await connect({ servers: server.url });
    open.push(nc);
    return nc;
  }

  /** What the server says next against this connection. */
  async function refusal(nc: NatsConnection): Promise<string> {
    for await (const status of nc.status()) if (status.type === "error") return status.error.message;
    return "nothing";
  }

  /** Whatever was published before is in the streams, and heard. */
  async function settled(nc: NatsConnection): Promise<void> {
    await nc.flush();
    await services.flush();
    await operator.request("$JS.API.INFO");
    await operator.flush();
  }

  async function stateOfStreams(): Promise<Map<string, number>> {
    const jsm = await jetstreamManager(operator);
    const entries: [string, number][] = [];
    for await (const { config, state } of jsm.streams.list()) {
      if (config.name === "INTAKE") continue;
      entries.push([config.name, state.messages], [`${config.name}'s consumers`, state.consumer_count]);
    }
    return new Map(entries.sort());
  }

  describe.each(Object.keys(doors))("%s", (user) => {
    it.each(targets)("cannot publish on %s", async (target) => {
      const nc = await connectAs(user);
      const before = await stateOfStreams();
      seen = [];
      const refused = refusal(nc);
      nc.publish(target, "forged");
      await expect(refused).resolves.toMatch(/Permissions Violation/i);
      await settled(nc);
      expect(seen).not.toContain(target);
      expect(await stateOfStreams()).toEqual(before);
      await nc.close();
    });

    it.each(targets)("cannot have an answer or a trace sent to %s", async (target) => {
      const nc = await connectAs(user);
      const before = await stateOfStreams();
      seen = [];
      for (const door of doors[user] ?? []) {
        nc.publish(door, "{}", { reply: target });
        const traced = headers();
        traced.set("Nats-Trace-Dest", target);
        nc.publish(door, "{}", { reply: target, headers: traced });
      }
      await settled(nc);
      expect(seen).not.toContain(target);
      expect(await stateOfStreams()).toEqual(before);
      await nc.close();
    });
  });

  it.each(Object.entries(doors))("%s may send answers to its own doors, and the server lives", async (user, own) => {
    const nc = await connectAs(user);
    for (const door of own) for (const reply of own) nc.publish(door, "{}", { reply });
    await settled(nc);
    const [first = ""] = own;
    expect((await nc.request(first, "{}")).data.length).toBeGreaterThan(0);
    await nc.close();
  });

  it("a publisher with a name drops under it alone, and nobody else does", async () => {
    const [named, nameless] = await Promise.all([connectAs("my-app"), connectAs("publisher")]);
    const ack = await named.request("speech.intake.my-app.b1", "audio");
    expect(ack.json()).toMatchObject({ stream: "INTAKE" });
    for (const subject of ["speech.intake.other.b1", "speech.intake.rest.b1", "speech.intake.publisher.x.b1"]) {
      await expect(named.request(subject, "audio"), subject).rejects.toThrow(/Permissions Violation/i);
    }
    for (const subject of ["speech.intake.my-app.b1", "speech.intake.rest.b1", "speech.intake.operator.b1"]) {
      const refused = refusal(nameless);
      nameless.publish(subject, "audio");
      await expect(refused, subject).resolves.toMatch(/Permissions Violation/i);
    }
    expect((await nameless.request("speech.intake.anything.b2", "audio")).json()).toMatchObject({ stream: "INTAKE" });
    await settled(nameless);
    expect(seen.filter((subject) => subject.startsWith("speech.intake."))).toEqual([
      "speech.intake.my-app.b1",
      "speech.intake.publisher.anything.b2",
    ]);
  });

  it("a publisher asks as itself, whatever it says", async () => {
    const [named, nameless] = await Promise.all([connectAs("my-app"), connectAs("publisher")]);
    for (const verb of requestVerbs) {
      expect((await named.request(`speech.${verb}.b`)).string()).toBe("an answer");
      expect((await nameless.request(`speech.${verb}.b`)).string()).toBe("an answer");
    }
    expect((await named.request("speech.upload.file.0")).string()).toBe("an answer");
    await settled(named);
    const asked = requestVerbs.flatMap((verb) => [`speech.from.my-app.${verb}.b`, `speech.from.publisher.${verb}.b`]);
    expect(seen.filter((subject) => subject.startsWith("speech."))).toEqual([
      ...asked,
      "speech.from.my-app.upload.file.0",
    ]);
    const refused = refusal(named);
    named.publish("speech.from.other.cancel.b");
    await expect(refused).resolves.toMatch(/Permissions Violation/i);
  });

  it("an answer that comes back as an event is heard by the same account alone, and is no done event", async () => {
    const heard: string[] = [];
    const listeners = await Promise.all(["my-app", "other", "publisher", "monitor", "gateway"].map(connectAs));
    const subjects = ["speech.done.>", "speech.done.>", "speech.done.>", "$JS.EVENT.ADVISORY.>", "speech.done.>"];
    for (const [index, nc] of listeners.entries()) {
      nc.subscribe(subjects[index] ?? "", {
        callback: (_, message) => {
          if (!message.subject.startsWith("speech.done.")) return;
          heard.push(`${index}`);
          expect(itemDoneSchema.safeParse(JSON.parse(message.string() || "null")).success).toBe(false);
        },
      });
      await nc.flush();
    }
    const own = await connectAs("my-app");
    own.publish("speech.intake.my-app.b3", "audio", { reply: "speech.done.victim.0" });
    await settled(own);
    for (const nc of listeners) await nc.flush();
    expect(heard).toEqual(["0"]);
  });

  it("a summary is heard under one name, whether it is stored or told; a worker may end what is one segment", async () => {
    const listeners = await Promise.all(["my-app", "publisher"].map(connectAs));
    const heard: string[] = [];
    for (const nc of listeners) {
      nc.subscribe("speech.summary.*", {
        callback: (_, { subject, data }) => void heard.push(`${subject} ${Buffer.from(data).toString()}`),
      });
      await nc.flush();
    }
    const [worker, results] = await Promise.all([connectAs("transcribe-worker"), connectAs("results")]);
    worker.publish("speech.told.summary.lone", "told");
    expect((await worker.request("speech.done.lone.0", "{}")).json()).toMatchObject({ stream: "RESULTS" });
    expect((await results.request("speech.summary.many", "stored")).json()).toMatchObject({ stream: "RESULTS" });
    await settled(worker);
    for (const nc of listeners) await nc.flush();
    expect(heard.sort()).toEqual([
      ...["speech.summary.lone told", "speech.summary.lone told"],
      ...["speech.summary.many stored", "speech.summary.many stored"],
    ]);
    for (const subject of ["speech.summary.forged", "speech.told.summary.forged"]) {
      const refused = refusal(listeners[0] ?? worker);
      listeners[0]?.publish(subject, "forged");
      await expect(refused, subject).resolves.toMatch(/Permissions Violation/i);
    }
  });

  it("the monitor reads states by JetStream's API, and hears advisories", async () => {
    const nc = await connectAs("monitor");
    const jsm = await jetstreamManager(nc, { domain: "SPEECH" });
    const names: string[] = [];
    for await (const { config } of jsm.streams.list()) names.push(config.name);
    expect(names).toEqual(expect.arrayContaining(["JOBS", "KV_voices", "OBJ_references"]));
    for (const name of names) expect((await jsm.streams.info(name)).config.name).toBe(name);
    expect((await jsm.consumers.info("INTAKE", "ingest")).num_pending).toBeGreaterThanOrEqual(0);
    for (const user of ["transcribe-worker", "tts-worker"]) {
      const worker = await connectAs(user);
      worker.subscribe("speech.workers", { callback: (_, request) => void request.respond(user) });
      await worker.flush();
    }
    const answers: string[] = [];
    for await (const answer of await nc.requestMany("speech.workers", "", { strategy: "timer", maxWait: 500 })) {
      answers.push(answer.string());
    }
    expect(answers.sort()).toEqual(["transcribe-worker", "tts-worker"]);
    await expect(jsm.streams.getMessage("INTAKE", { seq: 1 })).rejects.toThrow(/Permissions Violation/i);
  });
});

describe("accountsOf", () => {
  it.each(["gateway", "publisher", "monitor", "SPEECH", "speech", "rest", "operator", "tts_worker"])(
    "a publisher cannot be called %s",
    (name) => {
      expect(() => accountsOf(() => "x", { publishers: ["fine", name] })).toThrow(`PUBLISHERS: ${name} is taken; `);
    },
  );

  it("two publishers cannot have names that share a variable", () => {
    expect(() => accountsOf(() => "x", { publishers: ["my-app", "My_App"] })).toThrow(/^PUBLISHERS: My_App is taken; /);
  });

  it("imports no service under another name with wildcards, which lets anybody end a server 2.10", () => {
    const renamed = accountsOf(() => "x", { publishers: ["my-app"] }).flatMap(({ imports }) =>
      imports.filter(({ kind, to }) => kind === "service" && to !== undefined),
    );
    expect(renamed.filter(({ subject, to }) => /[*>]/.test(subject + to))).toEqual([]);
  });

  it("exports nothing but what somebody imports, and only to that one", () => {
    const accounts = accountsOf(() => "x", { publishers: ["my-app"] });
    const [speech] = accounts;
    for (const { subject, kind, accounts: allowed } of speech?.exports ?? []) {
      const importers = accounts.filter(({ imports }) =>
        imports.some((entry) => entry.subject === subject && entry.kind === kind),
      );
      expect(importers.map(({ name }) => name)).toEqual(allowed);
    }
    expect(accounts.slice(1).every(({ exports, jetstream }) => exports.length === 0 && !jetstream)).toBe(true);
  });
});
