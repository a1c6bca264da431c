/**
 * Items of several segments that are not concluded yet: a bounded cache in front of the stream, which holds the truth.
 * What is dropped from here is read again when it is needed, so memory does not grow with history or with long audio.
 */
import type { SegmentResult, SegmentResults } from "@parlance/contracts";

export interface OpenItems {
  /** Remembers a result, the first one of each segment, and returns what is known of its item. */
  add(key: string, n: number, result: SegmentResult, bytes: number): SegmentResults;
  drop(key: string): void;
  readonly size: number;
}

interface OpenItem {
  results: Map<number, SegmentResult>;
  bytes: number;
}

/** `maxBytes` counts the JSON of results; as objects they take several times that. */
export function createOpenItems({ maxItems = 256, maxBytes = 4 * 1_048_576 } = {}): OpenItems {
  // Insertion order is age: an item that grows is put at the end again.
  const items = new Map<string, OpenItem>();
  let bytesHeld = 0;

  function drop(key: string): void {
    bytesHeld -= items.get(key)?.bytes ?? 0;
    items.delete(key);
  }

  return {
    add(key, n, result, bytes) {
      const item = items.get(key) ?? { results: new Map(), bytes: 0 };
      items.delete(key);
      items.set(key, item);
      if (!item.results.has(n)) {
        item.results.set(n, result);
        item.bytes += bytes;
        bytesHeld += bytes;
      }
      for (const oldest of items.keys()) {
        if (items.size <= maxItems && bytesHeld <= maxBytes) break;
        drop(oldest);
      }
      return item.results;
    },
    drop,
    get size() {
      return items.size;
    },
  };
}
