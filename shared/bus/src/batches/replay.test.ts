import { headerNames } from "@parlance/contracts";
import { describe, expect, it } from "vitest";
import { useTestServer } from "../testing/index.ts";
import { openBatchNotebook } from "./batch-notebook.ts";
import { replayBatch } from "./replay.ts";

describe("replayBatch", () => {
  const rig = useTestServer();

  const record = (batchId: string) => openBatchNotebook(rig.bus).read(batchId);

  /** Three items: one of three segments, one of one, and one whose audio was bad and never became a job. */
  async function runBatch(batchId: string, { finished = true } = {}): Promise<void> {
    const items = ["0", "1", "2"].map((itemId) => ({ itemId, operation: "transcribe" as const }));
    const asked = { batchId, label: "mine", lane: "interactive" as const, acceptedAt: 1, items };
    await openBatchNotebook(rig.bus).enter(asked);
    for (const [itemId, n, last] of [
      ["0", 0, false],
      ["1", 0, true],
      ["0", 1, false],
      ["0", 2, true],
    ] as const) {
      await rig.bus.publishOnce(`speech.job.transcribe.interactive.${batchId}.${itemId}.${n}`, `audio ${itemId} ${n}`, {
        messageId: `${batchId}.${itemId}.${n}`,
        headers: [
          [headerNames.submittedAt, "1"],
          [headerNames.together, "4"],
          [headerNames.last, String(last)],
          [headerNames.language, "German"],
          [headerNames.context, '"one line\\nand another"'],
        ],
      });
    }
    for (const itemId of finished ? ["0", "1", "2"] : ["0"]) {
      await rig.bus.publishOnce(`speech.done.${batchId}.${itemId}`, "{}", { first: true });
    }
  }

  it("publishes the jobs of a finished batch again under a new id, with a record of the items that had jobs", async () => {
    await runBatch("old");
    const progress: string[] = [];
    const replayed = await replayBatch(rig.bus, "old", {
      newBatchId: "new",
      now: () => 1234,
      onProgress: (published, total) => progress.push(`${published}/${total}`),
    });
    expect(replayed).toEqual({ batchId: "new", jobs: 4 });
    expect(progress).toEqual(["1/4", "2/4", "3/4", "4/4"]);
    expect(await record("new")).toMatchObject({
      label: "replay of old: mine",
      lane: "batch",
      acceptedAt: 1234,
      items: [{ itemId: "0" }, { itemId: "1" }],
    });
    const job = await rig.bus.last("JOBS", "speech.job.transcribe.batch.new.0.2");
    expect(new TextDecoder().decode(job?.data)).toBe("audio 0 2");
    expect(job?.headers.get(headerNames.replayOf)).toBe("old");
    expect(job?.headers.get(headerNames.language)).toBe("German");
    expect(job?.headers.get(headerNames.context)).toBe('"one line\\nand another"');
    expect(job?.headers.get(headerNames.last)).toBe("true");
    expect(job?.headers.get(headerNames.submittedAt)).toBe("1234");
    expect(job?.headers.has(headerNames.together)).toBe(false);
  });

  it("a second try with the same new id publishes nothing twice", async () => {
    await runBatch("again");
    await replayBatch(rig.bus, "again", { newBatchId: "again2" });
    await replayBatch(rig.bus, "again", { newBatchId: "again2" });
    const counts = await rig.bus.countSubjects("JOBS", "speech.job.*.*.again2.>");
    expect([...counts.values()]).toEqual([1, 1, 1, 1]);
  });

  it("refuses a batch that is not finished, is not known, or whose new id is taken", async () => {
    await runBatch("open", { finished: false });
    await expect(replayBatch(rig.bus, "open", { newBatchId: "open2" })).rejects.toThrow(/1 of its 3 items are done/);
    await expect(replayBatch(rig.bus, "nobody", { newBatchId: "x" })).rejects.toMatchObject({
      code: "batch_not_found",
    });
    await runBatch("done");
    await expect(replayBatch(rig.bus, "done", { newBatchId: "open" })).rejects.toMatchObject({
      code: "batch_id_taken",
    });
  });

  it("refuses a session that goes on, and runs one that ended with each utterance where it was", async () => {
    await runBatch("live");
    const notebook = openBatchNotebook(rig.bus);
    await notebook.revise("live", ({ items, ...now }) => ({
      ...now,
      items: items.map((item, index) => ({ ...item, start: index, samples: 8_000 })),
      open: true,
    }));
    await expect(replayBatch(rig.bus, "live", { newBatchId: "live2" })).rejects.toThrow(
      "Session live goes on: it can be replayed when it has ended.",
    );
    await notebook.revise("live", ({ open: _, ...ended }) => ended);
    await replayBatch(rig.bus, "live", { newBatchId: "live2" });
    expect((await record("live2"))?.items).toMatchObject([
      { itemId: "0", start: 0, samples: 8_000 },
      { itemId: "1", start: 1, samples: 8_000 },
    ]);
  });

  it("says so when some of the jobs are no longer in the stream, and leaves no half batch behind", async () => {
    await runBatch("purged");
    const first = await rig.bus.last("JOBS", "speech.job.transcribe.interactive.purged.0.0");
    await rig.bus.purgeBelow("JOBS", (first?.seq ?? 0) + 1);
    await expect(replayBatch(rig.bus, "purged", { newBatchId: "p2" })).rejects.toThrow(
      /item 0 .* no longer in the stream/,
    );
    expect(await rig.bus.countSubjects("JOBS", "speech.job.*.*.p2.>")).toEqual(new Map());
  });
});
