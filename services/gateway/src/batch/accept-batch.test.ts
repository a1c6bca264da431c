import { randomUUID } from "node:crypto";
import { type BatchNotebook, type Bus, openBatchNotebook } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import { GATEWAY_SOURCE, requestSubjects, type Submission, statusRequestSchema, subjects } from "@parlance/contracts";
import { expect, test } from "vitest";
import { acceptBatch } from "./accept-batch.ts";

const rig = useTestServer();

function submission(items: number): Submission {
  const operation = "transcribe" as const;
  return {
    label: "",
    lane: "batch",
    items: Array.from({ length: items }, (_, index) => ({ itemId: String(index), operation, file: "clip" })),
  };
}

test.each([
  [32, ["record", "question", "submission"]],
  [31, ["record", "submission"]],
])("of %i items there are, in this order: %j", async (items, expected) => {
  const batchId = randomUUID();
  const order: string[] = [];
  const bus: Bus = {
    ...rig.bus,
    publish(subject, data, ...more) {
      expect(subject).toBe(requestSubjects.status(batchId));
      expect(statusRequestSchema.parse(JSON.parse(String(data)))).toEqual({ items: "none" });
      order.push("question");
      rig.bus.publish(subject, data, ...more);
    },
    async publishOnce(subject, ...more) {
      expect(subject).toBe(subjects.intake(GATEWAY_SOURCE, batchId));
      order.push("submission");
      return await rig.bus.publishOnce(subject, ...more);
    },
  };
  const notebook: BatchNotebook = {
    ...openBatchNotebook(rig.bus),
    async enter(record) {
      const revision = await openBatchNotebook(rig.bus).enter(record);
      order.push("record");
      return revision;
    },
  };
  await acceptBatch({ bus, notebook }, batchId, submission(items), 1);
  expect(order).toEqual(expected);
});
