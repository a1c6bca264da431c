/** Headers as a stranger may write them, over a plain socket, through everything that reads messages. */
import { startTestServer, type TestServer, testServers } from "@parlance/nats/testing";
import fc from "fast-check";
import { connect, errors } from "nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectBus } from "../connection.ts";
import { connectRaw, headerBlock } from "../testing/index.ts";
import type { Bus } from "../types.ts";
import { deadLetter } from "./dead-letter.ts";
import { decodeHeaders, headersOf } from "./message-headers.ts";
import type { HeaderPairs, StoredMessage } from "./messages.ts";

const blocks: Record<string, { block: Buffer; malformed: boolean; kept?: string }> = {
  "a space in a name": { block: headerBlock("Good: 1", "Bad Name: 1", "Fine: 2"), malformed: true, kept: "Fine" },
  "a name that is not ASCII": { block: headerBlock("Größe: 1", "Fine: 2"), malformed: true, kept: "Fine" },
  "a lone line feed in a value": {
    block: headerBlock("Evil: a\nParlance-Lane: realtime"),
    malformed: true,
    kept: "Evil",
  },
  "a lone carriage return": { block: headerBlock("Evil: a\rb"), malformed: true, kept: "Evil" },
  "a line without a colon": { block: headerBlock("nothing", "Fine: 2"), malformed: true, kept: "Fine" },
  "no name": { block: headerBlock(": 1"), malformed: true },
  "no version": { block: Buffer.from("Fine: 2\r\n\r\n"), malformed: true },
  "one byte": { block: Buffer.from("N"), malformed: true },
  "no end": { block: Buffer.from("NATS/1.0\r\nFine: 2"), malformed: false, kept: "Fine" },
  "bytes that are no text": {
    block: Buffer.from([...headerBlock("A: x"), 0xff, 0xfe, 0, 1]),
    malformed: true,
    kept: "A",
  },
  "a status of its own": { block: Buffer.from("NATS/1.0 404 Message Not Found\r\n\r\n"), malformed: false },
  "a status that says that nobody is there": { block: Buffer.from("NATS/1.0 503\r\n\r\n"), malformed: false },
  "another end of a batch": {
    block: Buffer.from("NATS/1.0 204 EOB\r\nNats-Num-Pending: 0\r\n\r\n"),
    malformed: false,
  },
  "the server's own names": {
    block: headerBlock("Nats-Subject: speech.done.victim.0", "Nats-Sequence: 1", "Nats-Num-Pending: 0"),
    malformed: false,
    kept: "Nats-Subject",
  },
  "all that fits": { block: headerBlock(`Long: ${"x".repeat(65_000)}`), malformed: false, kept: "Long" },
};

/** As the client library sends them. */
function blockOf(pairs: HeaderPairs): Uint8Array {
  const written = headersOf(pairs);
  const block: unknown = "encode" in written && typeof written.encode === "function" ? written.encode() : undefined;
  if (!(block instanceof Uint8Array)) throw new Error("headers that cannot be sent");
  return block;
}

describe("decodeHeaders", () => {
  it("reads what a client writes", () => {
    const read = decodeHeaders(headerBlock("A: 1", "B:2 ", "A: 3", "Ümlaut-free: \u00fc"));
    expect([read.get("A"), read.last("A"), read.get("B"), read.has("C"), read.get("C")]).toEqual([
      "1",
      "3",
      "2",
      false,
      "",
    ]);
  });

  it("reads what is written here", () => {
    const name = fc.stringMatching(/^[\x21-\x39\x3b-\x7e]{1,12}$/);
    const value = fc.string({ unit: "grapheme" }).filter((text) => !/[\r\n]/.test(text));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), (pairs) => {
        const read = decodeHeaders(blockOf(pairs));
        expect(read.malformed).toBeUndefined();
        expect(read.keys()).toEqual([...new Set(pairs.map(([each]) => each))]);
        for (const [each] of pairs) {
          const values = pairs.filter(([other]) => other === each).map(([, text]) => text.trim());
          expect([read.get(each), read.last(each)]).toEqual([values[0], values.at(-1)]);
        }
      }),
    );
  });

  it.each([
    ["", "no name"],
    ["Two Words", "1"],
    ["Größe", "1"],
    ["A:B", "1"],
    ["Good", "one\r\nEvil: two"],
  ])("what is no header is not written: %j, %j", (name, value) => {
    expect(() => headersOf([[name, value]])).toThrow(errors.InvalidArgumentError);
  });

  it.each(Object.entries(blocks))("never throws at %s, keeps what can be read, and says so", (_, each) => {
    const read = decodeHeaders(each.block);
    expect(read.malformed === undefined).toBe(!each.malformed);
    if (each.kept !== undefined) expect(read.keys()).toContain(each.kept);
    for (const name of read.keys()) expect(read.get(name)).not.toMatch(/[\r\n]/);
  });
});

describe.each(await testServers())("messages of strangers on $version", ({ binary }) => {
  let server: TestServer;
  let bus: Bus;
  const names = Object.keys(blocks);
  beforeAll(async () => {
    server = await startTestServer({ binary });
    bus = await connectBus({ name: "test", ...server.as() });
    const raw = await connectRaw(server.as());
    const good = (n: string) => bus.publishOnce(`speech.intake.lab.good${n}`, "good");
    for (const [index, name] of names.entries()) {
      await good(`${index}`);
      const { block } = blocks[name] ?? { block: "" };
      for (const [suffix, payload] of [
        ["e", ""],
        ["p", "payload"],
      ] as const) {
        await raw.publish(`speech.intake.lab.bad${index}${suffix}`, block, payload);
        await raw.publish(`speech.result.bad.${index}${suffix}.0`, block, payload);
      }
    }
    await good("last");
    await raw.close();
  });
  afterAll(async () => {
    await bus.close();
    await server.stop();
  });

  const total = names.length * 2;

  it("every reader brings all of them, with the server's word on subject and sequence", async () => {
    for (const lastPerSubject of [false, true]) {
      const found: StoredMessage[] = [];
      for await (const message of bus.read({ stream: "RESULTS", subject: "speech.result.bad.>", lastPerSubject })) {
        found.push(message);
      }
      expect(found.map(({ seq }) => seq)).toEqual(Array.from({ length: total }, (_, index) => index + 1));
      for (const { subject, seq, data, headers } of found) {
        const same = await bus.message("RESULTS", seq);
        expect(same?.subject).toBe(subject);
        expect(Buffer.from(data).toString()).toBe(Buffer.from(same?.data ?? []).toString());
        // A block that is shorter than the empty line at its end is not sent on.
        const tiny = subject.startsWith(`speech.result.bad.${names.indexOf("one byte")}`);
        if (!tiny) expect(headers.malformed === undefined).toBe(same?.headers.malformed === undefined);
        expect((await bus.last("RESULTS", subject))?.seq).toBe(seq);
      }
    }
    expect((await bus.first("RESULTS", "speech.result.bad.>", { time: new Date(0) }))?.seq).toBe(1);
  });

  it("a pull brings them beside their neighbours, and each can be put aside", async () => {
    const seen = new Map<string, boolean>();
    for (;;) {
      const pulled = await bus.pull({ stream: "INTAKE", durable: "ingest", max: 16, waitMs: 200 });
      if (pulled.length === 0) break;
      for (const delivery of pulled) {
        seen.set(delivery.subject, delivery.headers.malformed !== undefined);
        await bus.consumerState("INTAKE", "ingest");
        if (delivery.subject.includes("good")) await delivery.ack();
        else await deadLetter(bus, delivery, { service: "ingest", reason: "a\nb", address: { batchId: "strange" } });
      }
    }
    expect(seen.size).toBe(names.length * 3 + 1);
    for (const [index, name] of names.entries()) {
      expect(seen.get(`speech.intake.lab.good${index}`)).toBe(false);
      expect(seen.get(`speech.intake.lab.bad${index}e`), name).toBe(blocks[name]?.malformed);
    }
    await bus.flush();
    expect(await bus.consumerState("INTAKE", "ingest")).toMatchObject({ pending: 0, ackPending: 0 });
    let letters = 0;
    for await (const { headers } of bus.read({ stream: "DEAD", subject: "speech.dead.>" })) {
      letters++;
      expect(headers.malformed).toBeUndefined();
      expect(headers.get("Parlance-Dead-Reason")).toBe("a b");
    }
    expect(letters).toBe(total);
  });

  it("live subscribers and those who answer requests hear them too", async () => {
    const over = new AbortController();
    const heard: string[] = [];
    const listening = (async () => {
      for await (const { subject, headers } of bus.subscribe("live.*", over.signal)) {
        heard.push(`${subject} ${headers.malformed === undefined}`);
      }
    })();
    let asked = 0;
    bus.serve(
      "asked",
      undefined,
      async ({ headers }) => {
        if (headers.keys().every((name) => headers.get(name) !== undefined)) asked++;
      },
      over.signal,
    );
    await bus.flush();
    const raw = await connectRaw(server.as());
    for (const [index, name] of names.entries()) {
      await raw.publish(`live.${index}`, blocks[name]?.block ?? "");
      await raw.publish("asked", blocks[name]?.block ?? "");
    }
    const plain = await connect({ servers: server.url });
    plain.publish("live.plain");
    await plain.flush();
    await expect.poll(() => heard.length).toBe(names.length + 1);
    await expect.poll(() => asked).toBe(names.length);
    expect(heard.at(-1)).toBe("live.plain true");
    over.abort();
    await listening;
    await Promise.all([raw.close(), plain.close()]);
  });
});
