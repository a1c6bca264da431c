import type { FileInfo, FileStore } from "@parlance/bus";
import { expect, test } from "vitest";
import { createAudioReceiver } from "./receive-audio.ts";

/** Where bytes go is all that matters here; what the store does with them is tested over NATS. */
function countingStore() {
  const stored: number[] = [];
  const files = {
    async put(file: { id: string; contentType: string; filename: string }, content: AsyncIterable<Uint8Array>) {
      let bytes = 0;
      for await (const chunk of content) bytes += chunk.length;
      stored.push(bytes);
      return { ...file, bytes, createdAt: 0 } satisfies FileInfo;
    },
    delete: async () => undefined,
  };
  return { stored, files: files as unknown as FileStore };
}

const file = (bytes: number, piece = 10) => ({
  filename: "a",
  contentType: "audio/wav",
  content: (async function* () {
    for (let sent = 0; sent < bytes; sent += piece) yield new Uint8Array(Math.min(piece, bytes - sent));
  })(),
});

test("what fits a message stays in memory, one byte more is stored whole", async () => {
  const { stored, files } = countingStore();
  const receiver = createAudioReceiver({ files, maxBytes: 1e6, inlineBytes: () => 100, now: () => 0 });
  expect(await receiver.receive(file(100))).toMatchObject({ kind: "inline" });
  expect(await receiver.receive(file(101))).toMatchObject({ kind: "stored" });
  expect(stored).toEqual([101]);
});

test("the memory of all requests together is bounded, and comes back", async () => {
  const { stored, files } = countingStore();
  const receiver = createAudioReceiver({
    files,
    maxBytes: 1e6,
    inlineBytes: () => 100,
    now: () => 0,
    memoryBytes: 150,
  });
  const first = await receiver.receive(file(100));
  expect((await receiver.receive(file(100))).kind).toBe("stored");
  expect(stored).toEqual([100]);
  await receiver.discard(first);
  expect((await receiver.receive(file(100))).kind).toBe("inline");
});

test("a form that breaks in the middle gives its memory back", async () => {
  const { files } = countingStore();
  const receiver = createAudioReceiver({
    files,
    maxBytes: 1e6,
    inlineBytes: () => 100,
    now: () => 0,
    memoryBytes: 100,
  });
  const broken = {
    ...file(0),
    content: (async function* () {
      yield new Uint8Array(90);
      throw new Error("the caller went away");
    })(),
  };
  await expect(receiver.receive(broken)).rejects.toThrow("went away");
  expect((await receiver.receive(file(100))).kind).toBe("inline");
});
