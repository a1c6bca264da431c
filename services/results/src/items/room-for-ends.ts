/**
 * How much of RESULTS done events may take. The janitor forgets a batch when its summary is there, so a stream that done events fill to
 * the last byte would never have room for anything again: the last two hundredths are for summaries, which are small.
 *
 * What others write meanwhile is not counted; workers begin nothing new beyond 90 %, and it is looked again each second.
 */
import type { Bus } from "@parlance/bus";
import { streams } from "@parlance/contracts";

export interface RoomForEnds {
  /**
   * Takes room for a message of so many bytes; undefined where there is none. What it returns is to be called when the message is stored, or
   * will not be. Throws what asking NATS throws.
   */
  take(bytes: number): Promise<(() => void) | undefined>;
}

const ENDS_SHARE = 0.98;
/** Of a message beside its payload: its subject, headers and what the store writes around it. */
const AROUND_BYTES = 2_048;
const FRESH_MS = 1_000;

export function createRoomForEnds(bus: Pick<Bus, "streamState">): RoomForEnds {
  let left = 0;
  /** Bytes that are on their way: the stream may not know of them. */
  let sent = 0;
  let freshUntil = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    try {
      const { bytes, maxBytes } = await bus.streamState(streams.results);
      left = maxBytes > 0 ? maxBytes * ENDS_SHARE - bytes - sent : Number.POSITIVE_INFINITY;
      freshUntil = performance.now() + FRESH_MS;
    } finally {
      looking = undefined;
    }
  }

  return {
    async take(bytes) {
      const wanted = bytes + AROUND_BYTES;
      if (performance.now() >= freshUntil || left < wanted) {
        looking ??= look();
        await looking;
      }
      if (left < wanted) return undefined;
      left -= wanted;
      sent += wanted;
      return () => {
        sent -= wanted;
      };
    },
  };
}
