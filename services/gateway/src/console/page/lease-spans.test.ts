import type { GpuStatus } from "@parlance/contracts";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type LeaseSpan, leaseSpans, MOST_SPANS, WINDOW_MS } from "./lease-spans.ts";

type Device = GpuStatus["devices"][number];
type Swap = Device["swaps"]["recent"][number];

const iso = (ms: number) => new Date(ms).toISOString();
const swap = (family: "asr" | "tts", at: number, until: number | null, seconds = 0.1): Swap => ({
  ...{ family, model: family, at: iso(at), until: until === null ? null : iso(until), seconds },
  ...{ start_seconds: 0, check_seconds: 0, load_seconds: seconds, warm_up_seconds: 0 },
});
const device = (recent: Swap[], holder: Device["holder"] = null) => ({
  swaps: { count: recent.length, recent },
  holder,
});

test("a tenure that began and ended between two looks is there, as long as it was", () => {
  const told = device([swap("asr", 1_000, 1_150), swap("tts", 1_300, 1_400), swap("asr", 1_600, null)]);
  const spans = leaseSpans([], told, 2_000);
  expect(spans.map(({ family, from, loaded, until }) => [family, from, loaded, until])).toEqual([
    ["asr", 900, 1_000, 1_150],
    ["tts", 1_200, 1_300, 1_400],
    ["asr", 1_500, 1_600, undefined],
  ]);
});

test("what is being loaded is there since the lease was got, and gives way to what it becomes", () => {
  const holder = { worker: "w", host: "h", family: "asr", model: "m", since: iso(900), loaded: false } as const;
  const loading = leaseSpans([], device([], holder), 1_000);
  expect(loading).toEqual([{ family: "asr", model: "m", from: 900, loaded: undefined, until: undefined }]);
  expect(leaseSpans(loading, device([swap("asr", 1_200, null)]), 1_300)).toHaveLength(1);
});

test("of a worker that answers no longer nothing is shown as being there", () => {
  const before = leaseSpans([], device([swap("asr", 1_000, null)]), 2_000);
  const [span] = leaseSpans(before, device([]), 3_000);
  expect(span?.until).toBe(3_000);
  expect(
    leaseSpans(
      [span].flatMap((each) => each ?? []),
      device([]),
      9_000,
    )[0]?.until,
  ).toBe(3_000);
});

test("every tenure of the last minutes that was ever told is there once, whatever was told again, and no others", () => {
  const lengths = fc.array(
    fc.record({ loads: fc.integer({ min: 1, max: 3_000 }), stays: fc.integer({ min: 1, max: 9_000 }) }),
    {
      maxLength: 200,
    },
  );
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 12 }), (tenures, step) => {
      const all: Swap[] = [];
      let [at, now] = [1_000_000, 0];
      for (const [index, { loads, stays }] of tenures.entries()) {
        at += loads;
        all.push(swap(index % 2 === 0 ? "asr" : "tts", at, at + stays, loads / 1_000));
        at += stays;
      }
      let spans: LeaseSpan[] = [];
      // A gateway tells the newest twenty, and is asked more often than they change.
      for (let end = 0; end <= all.length; end += step) {
        now = Date.parse(all[end - 1]?.until ?? iso(1_000_000));
        spans = leaseSpans(spans, device(all.slice(Math.max(0, end - 20), end)), now);
        const seen = all.slice(0, end).filter(({ until }) => now - Date.parse(until ?? "") < WINDOW_MS);
        expect(spans.map(({ loaded }) => loaded)).toEqual(
          seen.slice(-MOST_SPANS).map(({ at: moment }) => Date.parse(moment)),
        );
      }
    }),
  );
});
