import { openBatchNotebook } from "@parlance/bus";
import { batchStatusSchema, subjects, submitResponseSchema, writeHeaders, writeSummary } from "@parlance/contracts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, startRig, startTestGateway, type TestGateway, type TestRig } from "../testing/test-gateway.ts";

let rig: TestRig;
let gateway: TestGateway;

beforeAll(async () => {
  rig = await startRig();
  gateway = await startTestGateway(rig.server);
});
afterAll(async () => {
  await gateway.close();
  await rig.close();
});

/** A batch of so many items of which nothing has come yet. */
async function record(batchId: string, items: number): Promise<string> {
  await openBatchNotebook(rig.pipeline.bus).enter({
    ...{ batchId, label: "", lane: "batch", acceptedAt: 1 },
    items: Array.from({ length: items }, (_, item) => ({ itemId: String(item), operation: "transcribe" })),
  });
  return `/api/v1/queue/status/${batchId}`;
}

async function end(batchId: string, item: number, status = "done"): Promise<void> {
  const headers = writeHeaders({ status });
  await rig.pipeline.bus.publishOnce(subjects.done(batchId, String(item)), "{}", { first: true, headers });
}

/** Requests under way that wait, by the gateway's own count. */
async function waitsOf({ call }: TestGateway): Promise<number> {
  const page = await (await call("/metrics")).text();
  return Number(/^parlance_status_waiting\S* (\d+)/m.exec(page)?.[1]);
}

async function ask(path: string, etag?: string) {
  const { status, headers, body } = await gateway.json(
    path,
    etag === undefined ? {} : { headers: { "if-none-match": etag } },
  );
  return { status, etag: headers.get("etag") ?? "", batch: status === 200 ? batchStatusSchema.parse(body) : undefined };
}

describe("an answer that the caller has", () => {
  test("is a 304 until something changes, by a weak name too, and of a finished batch for good", async () => {
    const path = await record("etag", 2);
    const first = await ask(path);
    expect(first).toMatchObject({ status: 200, batch: { completed: 0, total: 2 } });
    expect(await ask(path, first.etag)).toMatchObject({ status: 304, etag: first.etag });
    expect((await ask(path, `W/${first.etag}`)).status).toBe(304);
    await end("etag", 0);
    const second = await ask(path, first.etag);
    expect(second).toMatchObject({ status: 200, batch: { completed: 1 } });
    await end("etag", 1);
    const last = await ask(path, second.etag);
    expect(last).toMatchObject({ status: 200, batch: { status: "completed" } });
    expect((await ask(`${path}?wait=30`, last.etag)).status).toBe(304);
  });
});

describe("?wait", () => {
  test("answers when something has changed, to whoever says what it has and to whoever does not", async () => {
    const path = await record("wait", 3);
    const first = await ask(path);
    for (const [item, etag] of [[0, first.etag] as const, [1, undefined] as const]) {
      let answered = false;
      const waiting = ask(`${path}?wait=60`, etag).finally(() => {
        answered = true;
      });
      // It waits for as long as nothing is told.
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(answered).toBe(false);
      await end("wait", item);
      expect((await waiting).batch).toMatchObject({ completed: item + 1 });
    }
    // What has changed since is told at once.
    expect((await ask(`${path}?wait=60`, first.etag)).batch).toMatchObject({ completed: 2 });
  });

  test("tells a batch's end at once, though a change right before it is told at its pace", async () => {
    const [slow, ends] = [await record("paced", 2), await record("ending", 2)];
    const answers: string[] = [];
    const wait = async (path: string) => {
      const { etag } = await ask(path);
      answers.push((await ask(`${path}?wait=60`, etag)).batch?.batch_id ?? "");
    };
    const some = () => new Promise((resolve) => setTimeout(resolve, 80));
    // This one's pace is over first.
    const waiting = [wait(slow)];
    await some();
    waiting.push(wait(ends));
    await eventually(async () => ((await waitsOf(gateway)) === 2 ? true : undefined));
    await end("paced", 0);
    await end("ending", 0);
    await some();
    await end("ending", 1);
    const { payload, headers } = await writeSummary(
      { ...{ batchId: "ending", label: "", status: "completed", finishedAt: 2 }, completed: 2, failed: 0, total: 2 },
      "{}",
      0,
    );
    await rig.pipeline.bus.publishOnce(subjects.summary("ending"), payload, { first: true, headers });
    await Promise.all(waiting);
    expect(answers).toEqual(["ending", "paced"]);
  });

  test("that is over says so: 304, or the same answer again", async () => {
    const path = await record("over", 1);
    const { etag } = await ask(path);
    expect((await ask(`${path}?wait=0.3`, etag)).status).toBe(304);
    expect(await ask(`${path}?wait=0.3`)).toMatchObject({ status: 200, etag, batch: { status: "queued" } });
  });

  test("brings a batch from its submission to its end without asking in between", async () => {
    const file = await gateway.upload("say:hello");
    const { body } = await gateway.post("/api/v1/queue/submit", {
      items: [{ operation: "transcribe", ref_audio: file }],
    });
    const { batch_id } = submitResponseSchema.parse(body);
    let etag = "";
    const finished = await eventually(async () => {
      const answer = await ask(`/api/v1/queue/status/${batch_id}?wait=30`, etag);
      etag = answer.etag;
      return answer.batch?.completed === 1 ? answer.batch : undefined;
    });
    expect(finished).toMatchObject({ status: "completed", items: [{ status: "done" }] });
  });

  test("of an unknown batch is 404 at once, and a gateway that closes lets those go that wait", async () => {
    expect((await ask("/api/v1/queue/status/nobody?wait=30")).status).toBe(404);
    const other = await startTestGateway(rig.server);
    const path = await record("left", 1);
    const waiting = other.call(`${path}?wait=60`);
    await eventually(async () => ((await waitsOf(other)) === 1 ? true : undefined));
    await Promise.all([other.close(), waiting.then((response) => response.arrayBuffer()).catch(() => undefined)]);
  });
});

test("what is stored compressed is sent so to who takes it, and is one answer with one name", async () => {
  const file = await gateway.upload("say:hello");
  const items = Array.from({ length: 30 }, () => ({ operation: "transcribe", ref_audio: file }));
  const { batch_id } = submitResponseSchema.parse((await gateway.post("/api/v1/queue/submit", { items })).body);
  const path = `/api/v1/queue/status/${batch_id}`;
  const get = async (encoding: string) => {
    const response = await gateway.call(path, { headers: { "accept-encoding": encoding } });
    const says = (name: string) => response.headers.get(name);
    const heads = { etag: says("etag"), vary: says("vary"), encoding: says("content-encoding") };
    return { ...heads, length: Number(says("content-length")), text: await response.text() };
  };
  const gzip = await eventually(async () => {
    const answer = await get("gzip, deflate, br");
    return answer.encoding === "gzip" ? answer : undefined;
  });
  expect(batchStatusSchema.parse(JSON.parse(gzip.text))).toMatchObject({ status: "completed", completed: 30 });
  for (const encoding of ["identity", "br", "gzip;q=0"]) {
    const plain = await get(encoding);
    expect(plain).toEqual({ ...gzip, encoding: null, length: Buffer.byteLength(gzip.text) });
    expect(plain.length).toBeGreaterThan(gzip.length * 3);
  }
  expect(gzip.vary).toContain("Accept-Encoding");
  // A part of it is no longer what is stored.
  expect((await ask(`${path}?limit=2`)).batch?.items).toHaveLength(2);
});

describe("a part of the items", () => {
  test("is the failed ones, none, or a page", async () => {
    const path = await record("parts", 5);
    await end("parts", 1, "error");
    await end("parts", 3, "cancelled");
    await end("parts", 4);
    const ids = async (query: string) => {
      const { batch } = await ask(`${path}?${query}`);
      expect(batch).toMatchObject({ total: 5, completed: 1, failed: 2, status: "partial" });
      return [batch?.items.map(({ item_id }) => item_id).join(""), batch?.next_offset];
    };
    expect(await ids("")).toEqual(["01234", undefined]);
    expect(await ids("items=failed")).toEqual(["13", undefined]);
    expect(await ids("items=none")).toEqual(["", undefined]);
    expect(await ids("limit=2")).toEqual(["01", 2]);
    expect(await ids("limit=2&offset=4")).toEqual(["4", null]);
    expect(await ids("items=failed&offset=1")).toEqual(["3", null]);
  });

  test.each([
    ["items=some", "items"],
    ["limit=0", "limit"],
    ["limit=1001", "limit"],
    ["offset=-1", "offset"],
    ["offset=x", "offset"],
    ["wait=61", "wait"],
    ["wait=soon", "wait"],
  ])("%s is 422 and names the field", async (query, param) => {
    const path = await record("refused", 1);
    const answer = await gateway.json(`${path}?${query}`);
    expect(answer).toMatchObject({ status: 422, body: { error: { code: "validation_failed", param } } });
  });
});
