/**
 * A batch of one item goes without a record while its messages alone can say what was asked: while it comes to one job, whose end is the
 * batch's. Before anything else is told of it the record is written down, once.
 */
import type { BatchNotebook } from "@parlance/bus";
import { type BatchRecord, SpeechError } from "@parlance/contracts";

export interface RecordKeeper {
  /** What its only job has to say of it; undefined where the notebook has the record. */
  readonly unkept: BatchRecord | undefined;
  /** Resolves when the notebook has it. Throws `internal` where somebody else has the batch id by now. */
  keep(): Promise<void>;
}

/** Of a live session, whose record is written before its utterances. */
export const keptBefore: RecordKeeper = { unkept: undefined, keep: async () => undefined };

export function createRecordKeeper(
  notebook: Pick<BatchNotebook, "keep">,
  { record, kept }: { record: BatchRecord; kept: boolean },
): RecordKeeper {
  let keeping: Promise<boolean> | undefined = kept ? Promise.resolve(true) : undefined;
  return {
    get unkept() {
      return keeping === undefined ? record : undefined;
    },
    async keep() {
      keeping ??= notebook.keep(record);
      if (await keeping) return;
      throw new SpeechError("internal", `The batch id ${record.batchId} was taken meanwhile.`);
    },
  };
}
