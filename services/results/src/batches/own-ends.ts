/**
 * Done events that this process publishes. Whoever keeps the status of a running batch is told of each when it is stored, so that none
 * has to be read again: of a stream that is written all the time, reading waits for a write with every message.
 */
import type { DoneHeaders } from "@parlance/contracts";

export interface OwnEnds {
  /** It is about to be published. What this returns is to be called when that has settled: with what is stored, if it is ours. */
  begin(batchId: string, itemId: string): (said: DoneHeaders | undefined) => void;
  isUnderWay(batchId: string, itemId: string): boolean;
  /** `said` undefined: what is stored, if anything, is not known here. */
  follow(hear: (batchId: string, itemId: string, said: DoneHeaders | undefined) => void): void;
}

export function createOwnEnds(): OwnEnds {
  /** How often each is being published. */
  const underWay = new Map<string, number>();
  const followers: Parameters<OwnEnds["follow"]>[0][] = [];
  return {
    begin(batchId, itemId) {
      const key = `${batchId}.${itemId}`;
      underWay.set(key, (underWay.get(key) ?? 0) + 1);
      return (said) => {
        const left = (underWay.get(key) ?? 1) - 1;
        if (left > 0) underWay.set(key, left);
        else underWay.delete(key);
        for (const hear of followers) hear(batchId, itemId, said);
      };
    },
    isUnderWay: (batchId, itemId) => underWay.has(`${batchId}.${itemId}`),
    follow: (hear) => void followers.push(hear),
  };
}
