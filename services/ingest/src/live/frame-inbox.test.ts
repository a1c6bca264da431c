import type { FollowedMessage, StoredMessage } from "@parlance/bus";
import { expect, test } from "vitest";
import { createFrameInbox, type FrameInbox } from "./frame-inbox.ts";

const headers = { get: () => "", has: () => false, keys: () => [] };

/** A stream of one subject's messages, of which an inbox hears as much as a test lets it. */
function rig(most = { bytes: 1_000, frames: 10 }) {
  let stored: FollowedMessage[] = [];
  let time = 0;
  const stop = new AbortController();
  const reads: number[] = [];
  const meanwhile: (() => void)[] = [];
  const bus = {
    async *read({ fromSeq = 1 }): AsyncGenerator<StoredMessage, void> {
      reads.push(fromSeq);
      const found = stored.filter(({ seq }) => seq >= fromSeq);
      meanwhile.shift()?.();
      yield* found;
    },
  };
  const inbox = createFrameInbox({ bus, subject: "s", signal: stop.signal, most });
  return {
    inbox,
    stop,
    reads,
    /** What happens behind the server's answer to the next reads, one after another. */
    meanwhile,
    store(bytes = 10): FollowedMessage {
      const before = stored.at(-1)?.seq ?? 0;
      time += 1;
      const message = { subject: "s", headers, data: new Uint8Array(bytes), seq: before + 2, time, before };
      stored.push(message);
      return message;
    },
    lose: () => (stored = []),
    turnBack: (by: number) => (time -= by),
  };
}

async function takeAll(inbox: FrameInbox): Promise<number[]> {
  const taken: number[] = [];
  for (;;) {
    const message = await inbox.next(performance.now());
    if (message === undefined) return taken;
    taken.push(message.seq);
  }
}

test("what is heard of is taken as it came, and the stream is not asked", async () => {
  const { inbox, store, reads } = rig();
  for (let n = 0; n < 3; n += 1) expect(inbox.offer(store())).toBe(true);
  expect(await takeAll(inbox)).toEqual([2, 4, 6]);
  expect(reads).toEqual([]);
});

test("what was missed comes from the stream, each once", async () => {
  const { inbox, store } = rig();
  inbox.offer(store());
  store();
  inbox.offer(store());
  expect(await takeAll(inbox)).toEqual([2, 4, 6]);
  inbox.offer(store());
  expect(await takeAll(inbox)).toEqual([8]);
});

test("what nobody heard of is read when the connection is back, also of a stream that lost its memory", async () => {
  const { inbox, store, lose } = rig();
  inbox.offer(store());
  inbox.offer(store());
  expect(await takeAll(inbox)).toEqual([2, 4]);
  store();
  inbox.lookAgain();
  expect(await takeAll(inbox)).toEqual([6]);
  lose();
  store();
  store();
  inbox.lookAgain();
  expect(await takeAll(inbox)).toEqual([2, 4]);
  inbox.offer(store());
  expect(await takeAll(inbox)).toEqual([6]);
});

test("what does not fit is read when there is room, and no more is held than may be", async () => {
  const { inbox, store } = rig({ bytes: 1_000, frames: 5 });
  const told = Array.from({ length: 20 }, () => inbox.offer(store(100)));
  expect(told).toEqual([...Array.from({ length: 5 }, () => true), ...Array.from({ length: 15 }, () => false)]);
  expect(inbox.behindSince).toBeDefined();
  expect(await takeAll(inbox)).toEqual(Array.from({ length: 20 }, (_, n) => 2 * n + 2));
  expect(inbox.behindSince).toBeUndefined();
  expect(inbox.offer(store(100))).toBe(true);
  expect(await takeAll(inbox)).toEqual([42]);
});

test("gone on with from a sequence, and then with what was heard of meanwhile", async () => {
  const { inbox, store } = rig();
  for (let n = 0; n < 4; n += 1) store();
  inbox.rewind(4);
  expect((await inbox.next(0))?.seq).toBe(4);
  inbox.offer(store());
  expect(await takeAll(inbox)).toEqual([6, 8, 10]);
});

test("what is stored behind the answer of a read that found nothing is read again, and not for ever", async () => {
  const { inbox, store, reads, meanwhile, lose } = rig();
  meanwhile.push(
    () => inbox.offer(store()),
    () => inbox.offer(store()),
  );
  inbox.rewind(1);
  expect(await takeAll(inbox)).toEqual([2, 4]);
  expect(reads).toEqual([1, 1, 3]);
  meanwhile.push(() => {
    inbox.offer(store());
    lose();
  });
  inbox.lookAgain();
  expect(await takeAll(inbox)).toEqual([]);
  expect(reads).toHaveLength(5);
});

test("what was stored by a clock that is behind is taken once", async () => {
  const { inbox, store, reads, turnBack } = rig();
  for (let n = 0; n < 3; n += 1) inbox.offer(store());
  await takeAll(inbox);
  turnBack(2);
  store();
  inbox.lookAgain();
  expect(await takeAll(inbox)).toEqual([8]);
  expect(reads).toEqual([1]);
});

test("what a stream that lost its memory stores behind the answer of a read is not passed over", async () => {
  const { inbox, store, meanwhile, lose } = rig();
  for (let n = 0; n < 5; n += 1) inbox.offer(store());
  expect(await takeAll(inbox)).toHaveLength(5);
  lose();
  meanwhile.push(() => inbox.offer(store()));
  inbox.lookAgain();
  expect(await takeAll(inbox)).toEqual([2]);
  inbox.offer(store());
  expect(await takeAll(inbox)).toEqual([4]);
});

test("a stream that lost its memory counts from the beginning, and nothing of it is passed over", async () => {
  const { inbox, store, lose } = rig();
  for (let n = 0; n < 5; n += 1) inbox.offer(store());
  await takeAll(inbox);
  lose();
  store();
  inbox.offer(store());
  expect(await takeAll(inbox)).toEqual([2, 4]);
});

test("what the stream no longer has is not waited for", async () => {
  const { inbox, store, lose } = rig({ bytes: 1_000, frames: 1 });
  for (let n = 0; n < 5; n += 1) inbox.offer(store());
  lose();
  expect(await takeAll(inbox)).toEqual([]);
});

test("a wait ends with a frame, and with the signal", async () => {
  const { inbox, store, stop } = rig();
  const waiting = inbox.next(Number.POSITIVE_INFINITY);
  inbox.offer(store());
  expect((await waiting)?.seq).toBe(2);
  const over = inbox.next(Number.POSITIVE_INFINITY);
  stop.abort(new Error("over"));
  await expect(over).rejects.toThrow("over");
});
