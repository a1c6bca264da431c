/** A batch that is one message after the other: known from the first one on to the last, and no longer. */
import {
  type BatchRecord,
  durables,
  GATEWAY_SOURCE,
  headerNames,
  streams,
  subjects,
  writeHeaders,
} from "@parlance/contracts";
import { expect, test } from "vitest";
import { useTestServer } from "../testing/index.ts";
import { openBatchNotebook } from "./batch-notebook.ts";
import { loneEnd } from "./lone-batches.ts";
import { digestOf } from "./recorded-arrival.ts";

const rig = useTestServer();
const notebook = () => openBatchNotebook(rig.bus);

async function arrive(batchId: string, source = "lab", audio = "audio"): Promise<number> {
  return (await rig.bus.publishOnce(subjects.intake(source, batchId), audio)).seq;
}

async function takeIn(): Promise<void> {
  const taken = await rig.bus.pull({ stream: streams.intake, durable: durables.ingest, max: 64, waitMs: 2_000 });
  for (const delivery of taken) await delivery.ack();
}

async function queue(record: BatchRecord): Promise<void> {
  await rig.bus.publishOnce(subjects.job("transcribe", "batch", record.batchId, "0", 0), "audio", {
    headers: writeHeaders({ submittedAt: 1, last: true, batch: record }),
  });
}

async function run(): Promise<void> {
  const durable = durables.worker("transcribe", "batch");
  const taken = await rig.bus.pull({ stream: streams.jobs, durable, max: 64, waitMs: 2_000 });
  for (const delivery of taken) await delivery.ack();
}

async function end(record: BatchRecord): Promise<void> {
  const headers = writeHeaders({ status: "done", batch: record });
  await rig.bus.publishOnce(subjects.done(record.batchId, "0"), "{}", { first: true, headers });
}

const noRecord = async (batchId: string) => expect(await notebook().records.get(batchId)).toBeUndefined();

test("what came in says what was asked, then its job, then its end; nothing is written down, and forgotten is forgotten", async () => {
  const seq = await arrive("lone");
  const asked = await notebook().find("lone");
  expect(asked).toMatchObject({
    kept: false,
    record: { batchId: "lone", source: "lab", lane: "batch", intake: { seq }, items: [{ itemId: "0" }] },
  });
  if (asked === undefined) throw new Error("it is not known");
  await queue(asked.record);
  await takeIn();
  await rig.bus.purgeSubject(streams.intake, subjects.intake("lab", "lone"));
  expect(await notebook().find("lone")).toEqual(asked);
  expect(await notebook().isConcluded("lone")).toBe(false);
  await end(asked.record);
  await run();
  expect(await notebook().find("lone")).toEqual(asked);
  expect(await notebook().isConcluded("lone")).toBe(true);
  expect(await notebook().cancelUnfinished("lone", 1)).toBe(false);
  await noRecord("lone");
  await rig.bus.purgeSubject(streams.results, subjects.batchDone("lone"));
  // Its job is still there, to be replayed; of what came of it nothing is known any more.
  expect(await notebook().find("lone")).toBeUndefined();
  expect(await notebook().has("lone")).toBe(false);
});

test("the gateway's one item is read as it was written, with its label, its lane and its id", async () => {
  const items = [{ itemId: "item", customId: "mine", operation: "transcribe", file: "f" }];
  const submission = { batchId: "rest", label: "my label", lane: "interactive", items };
  await rig.bus.publishOnce(subjects.intake(GATEWAY_SOURCE, "rest"), JSON.stringify(submission), {
    headers: [[headerNames.contentType, "application/json"]],
  });
  const found = await notebook().find("rest");
  expect(found?.record).toMatchObject({
    ...{ label: "my label", lane: "interactive" },
    items: [{ itemId: "item", customId: "mine", operation: "transcribe" }],
  });
  expect(found?.record.source).toBeUndefined();
  await takeIn();
});

test.each([
  [
    "of two items",
    JSON.stringify({ items: [{ operation: "transcribe" }, { operation: "transcribe" }] }),
    "application/json",
  ],
  ["to speak", JSON.stringify({ items: [{ operation: "custom_voice", text: "x" }] }), "application/json"],
  ["of a text", "a text", "text/plain"],
  ["that cannot be read", "{", "application/json"],
])("a message %s is known when it is written down", async (name, payload, contentType) => {
  const batchId = name.replaceAll(" ", "-");
  await rig.bus.publishOnce(subjects.intake("lab", batchId), payload, {
    headers: [[headerNames.contentType, contentType]],
  });
  expect(await notebook().find(batchId)).toBeUndefined();
  await takeIn();
});

test("a batch id is the first message's, whoever sent it, until what came of it is forgotten", async () => {
  const first = await arrive("id", "publisher.any");
  const second = await arrive("id", "lab");
  expect(await notebook().ownerOf("id", first)).toBeUndefined();
  expect(await notebook().ownerOf("id", second)).toMatchObject({ first: { seq: first } });
  expect(await notebook().ownerOf("id")).toBeUndefined();
  const record = (await notebook().find("id"))?.record;
  expect(record).toMatchObject({ source: "publisher", intake: { seq: first } });
  if (record === undefined) throw new Error("it is not known");
  await queue(record);
  await takeIn();
  for (const seq of [second, undefined]) {
    expect(await notebook().ownerOf("id", seq)).toEqual({ record, kept: false });
  }
  await end(record);
  await run();
  expect(await notebook().ownerOf("id", second)).toEqual({ record, kept: false });
  await rig.bus.purgeSubject(streams.results, subjects.batchDone("id"));
  expect(await notebook().ownerOf("id", second)).toBeUndefined();
});

test("a record that no message brings is not entered beside one that is on its way; one that is kept is its own", async () => {
  const seq = await arrive("way");
  const value: BatchRecord = { batchId: "way", label: "", lane: "realtime", acceptedAt: 1, items: [], open: true };
  expect(await notebook().enterUnsent(value)).toBeUndefined();
  await noRecord("way");
  const found = await notebook().find("way");
  if (found === undefined) throw new Error("it is not known");
  expect(await notebook().keep(found.record)).toBe(true);
  expect(await notebook().keep(found.record)).toBe(true);
  expect(await notebook().keep({ ...found.record, intake: { seq: seq + 1, digest: "d" } })).toBe(false);
  expect(await notebook().find("way")).toMatchObject({ kept: true, record: { intake: { seq } } });
  await takeIn();
  expect(await notebook().enterUnsent({ ...value, batchId: "free" })).toBeGreaterThan(0);
});

test("an end that is one of many items' ends no batch", async () => {
  await rig.bus.publishOnce(subjects.done("many", "0"), "{}", { headers: writeHeaders({ status: "done" }) });
  expect(await loneEnd(rig.bus, "many")).toBeUndefined();
  expect(await notebook().isConcluded("many")).toBe(false);
});

test("the same audio with the same headers has the same digest, wherever it is stored", async () => {
  const [a, b] = [await arrive("a", "lab", "same"), await arrive("b", "lab", "same")];
  const messages = await Promise.all([a, b].map((seq) => rig.bus.message(streams.intake, seq)));
  const [one, other] = messages.map((message) => message && digestOf(message));
  expect(one).toBe(other);
  await takeIn();
});
