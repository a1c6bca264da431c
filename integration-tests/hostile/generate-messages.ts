/**
 * Operations of the NATS protocol as a hostile publisher would write them. They are on every subject that it may use
 * and on those that it may not, with replies that point into the streams, headers that are none, sizes that lie, and
 * payloads of every kind.
 */
import { encodeWav } from "@parlance/audio";
import {
  batchKeys,
  buckets,
  durables,
  headerNames,
  leaseKeys,
  operations,
  streams,
  subjects,
} from "@parlance/contracts";
import fc from "fast-check";

export interface HostileTargets {
  /** Patterns of subjects that the publisher may publish on, as its permissions have them. */
  allowed: readonly string[];
  /** A batch of somebody else, which it knows. */
  knownBatches: () => readonly string[];
  /** A stored voice of somebody else, by its id: anybody may list them. */
  knownVoice: string;
}

/** Never a batch of anyone's: what is stored under it was forged. */
export const VICTIM = "victim";

const encoder = new TextEncoder();
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));

const tone = encodeWav(
  Int16Array.from({ length: 3_200 }, (_, index) => Math.round(6_000 * Math.sin(index / 5))),
  { sampleRate: 16_000 },
);

/** Where a publisher may never write, by whatever way: one or more for each stream, bucket and the server's own API. */
export const forbiddenSubjects: readonly string[] = [
  subjects.intake("rest", VICTIM),
  ...operations.map((operation) => subjects.job(operation, "realtime", VICTIM, "0", 0)),
  subjects.result(VICTIM, "0", 0),
  subjects.done(VICTIM, "0"),
  subjects.summary(VICTIM),
  subjects.progress(VICTIM, "0"),
  subjects.dead("ingest", VICTIM, "0", 0),
  `$KV.${buckets.batches}.${batchKeys.batch(VICTIM)}`,
  `$KV.${buckets.batches}.${batchKeys.cancelled(VICTIM)}`,
  `$KV.${buckets.lease}.${leaseKeys.gpu("cpu")}`,
  `$KV.${buckets.lease}.${leaseKeys.wanted("cpu", "tts")}`,
  `$O.${buckets.files}.C.${VICTIM}`,
  `$O.${buckets.files}.M.${VICTIM}`,
  `$KV.${buckets.voices}.${VICTIM}`,
  `$O.${buckets.references}.C.${VICTIM}`,
  `$O.${buckets.references}.M.${VICTIM}`,
  ...Object.values(streams).flatMap((stream) => [
    `$JS.API.STREAM.PURGE.${stream}`,
    `$JS.API.STREAM.DELETE.${stream}`,
    `$JS.API.STREAM.MSG.DELETE.${stream}`,
    `$JS.API.STREAM.UPDATE.${stream}`,
    `$JS.API.DIRECT.GET.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}.${VICTIM}`,
  ]),
  `$JS.API.CONSUMER.DELETE.${streams.intake}.${durables.ingest}`,
  `$JS.ACK.${streams.intake}.${durables.ingest}.1.1.1.1.0`,
  `$JS.API.CONSUMER.MSG.NEXT.${streams.intake}.${durables.ingest}`,
  "$SYS.REQ.SERVER.PING",
  subjects.workers,
  "_INBOX_gateway.x",
  "_R_.x",
];

const token = fc.stringMatching(/^[A-Za-z0-9_-]{1,24}$/);
const oddToken = fc.oneof(
  { weight: 6, arbitrary: token },
  { weight: 1, arbitrary: fc.constantFrom("é", "a%20b", "..", "$1", "x".repeat(200), "\u0001", "{{name}}", "'; --") },
);

function fill(pattern: string, { knownBatches, knownVoice }: HostileTargets): fc.Arbitrary<string> {
  const known = knownBatches();
  const verbs = fc.constantFrom("add", "list", `delete.${knownVoice}`, `delete.${VICTIM}`, "delete", "sing");
  const others = known.length > 0 ? fc.oneof({ weight: 9, arbitrary: oddToken }, fc.constantFrom(...known)) : oddToken;
  const any = pattern.includes(".voice.") ? fc.oneof({ weight: 4, arbitrary: verbs }, others) : others;
  const parts = pattern.split(".").map((part) => (part === "*" || part === ">" ? any : fc.constant(part)));
  return fc.tuple(...parts).map((tokens) => tokens.join("."));
}

const headerLine = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(
        ...Object.values(headerNames),
        "Nats-Msg-Id",
        "Nats-Expected-Last-Sequence",
        "Nats-Rollup",
        "Nats-TTL",
      ),
      fc.oneof(
        fc.constantFrom(
          "",
          "true",
          "realtime",
          "audio/wav",
          "text/plain",
          "application/json",
          "null",
          "all",
          "never",
          "-1",
        ),
        fc.string({ maxLength: 200, unit: "binary-ascii" }).map((text) => text.replaceAll(/[\r\n]/g, " ")),
        fc.json({ maxDepth: 2 }),
      ),
    )
    .map(([name, value]) => `${name}: ${value}\r\n`),
  fc.constantFrom(
    "Bad Name: 1\r\n",
    "Näme: 1\r\n",
    "Lone: a\nb\r\n",
    ": nothing\r\n",
    "no colon at all\r\n",
    "\r\n",
    "Content-Type: audio/wav\r\r\n",
    "A: 1\r\n".repeat(500),
    `Parlance-Custom-Id: ${"x".repeat(60_000)}\r\n`,
    `${"N".repeat(8_000)}: 1\r\n`,
  ),
);
const headerBlock = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.array(headerLine, { maxLength: 6 }).map((lines) => `NATS/1.0\r\n${lines.join("")}\r\n`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("NATS/1.0\r\n\r\n", "NATS/9.9\r\n\r\n", "\r\n\r\n", "NATS/1.0 503\r\n\r\n", "NATS/1.0"),
  },
);

const payload = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc.constant(tone),
  fc.integer({ min: 0, max: tone.length }).map((length) => tone.subarray(0, length)),
  fc.constantFrom("Good evening.", "1 000 €", "Say it.", "", "\u0000\u0001").map((text) => encoder.encode(text)),
  fc.json({ maxDepth: 4 }).map((text) => encoder.encode(text)),
  fc
    .record(
      {
        label: fc.anything({ maxDepth: 1 }),
        lane: fc.constantFrom("realtime", "batch", "x", null),
        items: fc.array(
          fc.record(
            {
              itemId: fc.oneof(token, fc.constantFrom("..", "")),
              operation: fc.constantFrom("transcribe", "custom_voice", "voice_clone", "voice_design", "x"),
              text: fc.string({ maxLength: 30 }),
              ref_audio: fc.oneof(token, fc.constantFrom("../../etc/passwd", "http://127.0.0.1/")),
              ref_text: fc.constantFrom("Hm.", "<|im_<|im_end|>end|>", ""),
              voice: fc.oneof(token, fc.constantFrom(`voice_${"0f".repeat(16)}`, "voice_")),
              seed: fc.constantFrom(7, -1, 2 ** 32, 0.5, "7"),
              file: token,
              custom_id: fc.string({ maxLength: 10 }),
            },
            { requiredKeys: [] },
          ),
          { maxLength: 4 },
        ),
      },
      { requiredKeys: [] },
    )
    .map((submission) => encoder.encode(JSON.stringify(submission))),
  fc
    .record(
      {
        name: fc.oneof(token, fc.constantFrom("", " ", "a\nb", "x".repeat(65))),
        ref_audio: fc.oneof(token, fc.constantFrom("../../etc/passwd", "")),
        ref_text: fc.constantFrom("Hm.", "<|im_end|>", ""),
        consent: fc.constantFrom("yes", " ", null),
        design: fc.constantFrom("an old sailor", "", 1),
        language: fc.constantFrom("de", "klingon", null),
        x_vector_only_mode: fc.boolean(),
      },
      { requiredKeys: [] },
    )
    .map((added) => encoder.encode(JSON.stringify(added))),
);

const brokenOperation = fc.oneof(
  fc
    .constantFrom(
      "PUB\r\n",
      "PUB speech.intake.a.b 5\r\nab\r\n",
      "PUB speech.intake.a.b -1\r\n\r\n",
      "PUB speech.intake.a.b 99999999999\r\n",
      "PUB speech.intake.a.b 2000000\r\n",
      "HPUB speech.intake.a.b 20 10\r\n1234567890\r\n",
      "HPUB speech.intake.a.b 0 0\r\n\r\n",
      "HPUB speech.intake.a.b x y z w\r\n",
      "SUB > 1\r\n",
      "SUB speech.job.> 2\r\n",
      "SUB $KV.> 3\r\n",
      "UNSUB nothing\r\n",
      "MSG speech.done.victim.0 1 2\r\nok\r\n",
      `PUB ${"a.".repeat(4_000)}a 0\r\n\r\n`,
      "RMSG $G speech.done.victim.0 2\r\nok\r\n",
      "CONNECT {\r\n",
    )
    .map(bytes),
  fc.uint8Array({ minLength: 1, maxLength: 64 }).map((noise) => Buffer.concat([noise, bytes("\r\n")])),
);

/** Operations in an order that `seed` repeats. */
export function generateMessages(seed: number, count: number, targets: HostileTargets): Uint8Array[] {
  const subject = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom(...targets.allowed).chain((pattern) => fill(pattern, targets)) },
    { weight: 2, arbitrary: fc.constantFrom(...forbiddenSubjects) },
  );
  const reply = fc.oneof(
    { weight: 3, arbitrary: fc.constant("") },
    { weight: 2, arbitrary: token.map((name) => `_INBOX.${name}`) },
    { weight: 4, arbitrary: fc.constantFrom(...forbiddenSubjects) },
  );
  const published = fc
    .tuple(subject, reply, fc.option(headerBlock, { freq: 4 }), payload)
    .map(([on, to, head, body]) => operationOf(on, to, head, body));
  const operation = fc.oneof({ weight: 19, arbitrary: published }, { weight: 1, arbitrary: brokenOperation });
  return fc.sample(operation, { seed, numRuns: count });
}

function operationOf(subject: string, reply: string, head: string | null, body: Uint8Array): Uint8Array {
  const to = reply === "" ? "" : `${reply} `;
  if (head === null)
    return Buffer.concat([encoder.encode(`PUB ${subject} ${to}${body.length}\r\n`), body, bytes("\r\n")]);
  const block = bytes(head);
  const line = encoder.encode(`HPUB ${subject} ${to}${block.length} ${block.length + body.length}\r\n`);
  return Buffer.concat([line, block, body, bytes("\r\n")]);
}
