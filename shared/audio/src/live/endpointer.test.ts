import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEndpointer } from "./endpointer.ts";
import { WINDOW } from "./hearing-blocks.ts";
import type { EndpointEvent, Endpointer, EndpointerOptions, RestPoint } from "./utterances.ts";

/** What a session sounds like: for how many windows which probability. */
type Stretch = readonly [windows: number, probability: number];

const SPEECH = 0.9;
const SILENCE = 0.05;

/** Samples that tell where they lie, with quiet places. */
function soundOf(windows: number, seed = 1): Int16Array {
  let state = seed >>> 0 || 1;
  const sound = new Int16Array(windows * WINDOW);
  for (let at = 0; at < sound.length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    sound[at] = at % 40_000 < 2_000 ? (state >>> 28) - 8 : (state >>> 18) - 8_192;
  }
  return sound;
}

const speechOf = (stretches: readonly Stretch[]) =>
  Float32Array.from(stretches.flatMap(([windows, probability]) => new Array<number>(windows).fill(probability)));

/** Pushes from sample `from` to the end in steps, as a listener does: a window's probability comes with its last sample. */
function pushAll(
  endpointer: Endpointer,
  { sound, speech }: { sound: Int16Array; speech: Float32Array },
  { steps = [WINDOW], from = 0 }: { steps?: readonly number[]; from?: number } = {},
): EndpointEvent[] {
  const events: EndpointEvent[] = [];
  for (let at = from, turn = 0; at < sound.length; turn += 1) {
    const next = Math.min(sound.length, at + (steps[turn % steps.length] ?? 1));
    const [first, last] = [Math.floor(at / WINDOW), Math.floor(next / WINDOW)];
    events.push(...endpointer.push({ samples: sound.subarray(at, next), speech: speech.subarray(first, last) }));
    at = next;
  }
  return events;
}

function cutAll(stretches: readonly Stretch[], options: EndpointerOptions = {}): EndpointEvent[] {
  const speech = speechOf(stretches);
  const endpointer = createEndpointer(options);
  return [...pushAll(endpointer, { sound: soundOf(speech.length), speech }), ...endpointer.close()];
}

const told = (events: readonly EndpointEvent[]) =>
  events.map((event) => [event.type, event.start, ...("end" in event ? [event.end] : [])]);
const stops = (events: readonly EndpointEvent[]) => events.flatMap((event) => (event.type === "stopped" ? event : []));

const stretches = fc.array(
  fc.tuple(fc.integer({ min: 1, max: 60 }), fc.constantFrom(0.02, SILENCE, 0.4, 0.49, 0.6, SPEECH)),
  { minLength: 1, maxLength: 60 },
);
const settings = fc.record({
  turns: fc.constantFrom("detect" as const, "detect" as const, "detect" as const, "none" as const),
  prefixMs: fc.constantFrom(0, 300, 777),
  silenceMs: fc.constantFrom(100, 499, 500, 501, 1_500),
  segmentSeconds: fc.constantFrom(1, 3, 8, 25),
});

describe("an endpointer", () => {
  test("begins an utterance 300 ms before its first speech, and ends it 500 ms after its last", () => {
    const events = cutAll([
      [50, SILENCE],
      [30, SPEECH],
      [50, SILENCE],
    ]);
    expect(told(events)).toEqual([
      ["started", 50 * WINDOW - 4_800],
      ["stopped", 50 * WINDOW - 4_800, 80 * WINDOW + 8_000],
    ]);
    expect(events.at(-1)).toMatchObject({ cause: "silence" });
  });

  test("hears no beginning in one loud window, and speaks on between the thresholds", () => {
    expect(
      cutAll([
        [20, SILENCE],
        [1, SPEECH],
        [20, SILENCE],
        [1, SPEECH],
        [40, 0.4],
      ]),
    ).toEqual([]);
    const events = cutAll([
      [20, SILENCE],
      [2, SPEECH],
      [40, 0.4],
      [2, SPEECH],
      [30, SILENCE],
    ]);
    expect(told(events).map(([type]) => type)).toEqual(["started", "stopped"]);
  });

  test("goes on over a pause that is a millisecond shorter than the silence that ends an utterance", () => {
    for (const windows of [7, 16, 25, 40]) {
      const pause = windows * 32;
      const talk: Stretch[] = [
        [20, SPEECH],
        [windows, SILENCE],
        [20, SPEECH],
        [400, SILENCE],
      ];
      expect(stops(cutAll(talk, { silenceMs: pause + 1 })).length, `${pause} of ${pause + 1} ms`).toBe(1);
      expect(stops(cutAll(talk, { silenceMs: pause })).length, `${pause} of ${pause} ms`).toBe(2);
      expect(stops(cutAll(talk, { silenceMs: pause - 1 })).length, `${pause} of ${pause - 1} ms`).toBe(2);
    }
    // At its default it lies between 15 and 16 windows.
    expect(
      stops(
        cutAll([
          [20, SPEECH],
          [15, SILENCE],
          [20, SPEECH],
          [40, SILENCE],
        ]),
      ).length,
    ).toBe(1);
    expect(
      stops(
        cutAll([
          [20, SPEECH],
          [16, SILENCE],
          [20, SPEECH],
          [40, SILENCE],
        ]),
      ).length,
    ).toBe(2);
  });

  test("drops speech of less than 250 ms, but not where its publisher says that it is an utterance", () => {
    const short: Stretch[] = [
      [20, SILENCE],
      [7, SPEECH],
      [40, SILENCE],
    ];
    expect(told(cutAll(short)).map(([type]) => type)).toEqual(["started", "dropped"]);
    expect(
      stops(
        cutAll([
          [20, SILENCE],
          [8, SPEECH],
          [40, SILENCE],
        ]),
      ).length,
    ).toBe(1);
    const speech = speechOf([
      [20, SILENCE],
      [3, SPEECH],
    ]);
    const endpointer = createEndpointer();
    pushAll(endpointer, { sound: soundOf(23), speech });
    expect(stops(endpointer.finalize())).toMatchObject([{ cause: "finalize", end: 23 * WINDOW }]);
  });

  test("cuts talk without a pause at its quietest points, within the longest length, and loses or doubles nothing", () => {
    const speech = speechOf([
      [60 * 32, SPEECH],
      [40, SILENCE],
    ]);
    const sound = soundOf(speech.length, 3);
    const utterances = stops(pushAll(createEndpointer(), { sound, speech }));
    expect(utterances.map(({ cause }) => cause)).toEqual(["length", "length", "length", "silence"]);
    let next = 0;
    for (const { start, end, samples, cause } of utterances) {
      expect(start).toBe(next);
      expect(samples).toEqual(sound.slice(start, end));
      expect(samples.length).toBeLessThanOrEqual(25 * 16_000);
      if (cause === "length") {
        expect(samples.length).toBeGreaterThanOrEqual(15 * 16_000);
        expect(end % 40_000, "lies in a quiet place").toBeLessThan(2_000);
      }
      next = end;
    }
    expect(next).toBe(60 * 32 * WINDOW + 8_000);
  });

  test("gives no utterance of what is left after a cut when nobody speaks in it", () => {
    // The only quiet place lies right behind the last speech.
    const speech = speechOf([
      [620, SPEECH],
      [5, SILENCE],
      [200, 0.4],
    ]);
    const sound = soundOf(speech.length).fill(900);
    sound.fill(0, 620 * WINDOW, 625 * WINDOW);
    const events = pushAll(createEndpointer({ silenceMs: 10_000 }), { sound, speech });
    expect(
      told(events)
        .slice(0, 3)
        .map(([type]) => type),
    ).toEqual(["started", "stopped", "started"]);
    const silent = speechOf([
      [620, SPEECH],
      [400, SILENCE],
    ]);
    const more = soundOf(silent.length).fill(900);
    more.fill(0, 620 * WINDOW, 625 * WINDOW);
    const dropped = pushAll(createEndpointer({ silenceMs: 10_000 }), { sound: more, speech: silent });
    expect(told(dropped).map(([type]) => type)).toEqual(["started", "stopped", "started", "dropped"]);
  });

  test("without turns gives what lies between two finalizes, and nothing of what is silent", () => {
    const endpointer = createEndpointer({ turns: "none" });
    const push = (windows: number, probability: number) =>
      endpointer.push({ samples: soundOf(windows), speech: new Float32Array(windows).fill(probability) });
    expect(told(push(40, SPEECH))).toEqual([["started", 0]]);
    expect(push(40, SILENCE)).toEqual([]);
    expect(told(endpointer.finalize())).toEqual([["stopped", 0, 80 * WINDOW]]);
    expect(endpointer.finalize()).toEqual([]);
    expect(told(push(40, SILENCE))).toEqual([["started", 80 * WINDOW]]);
    expect(told(endpointer.finalize())).toEqual([["dropped", 80 * WINDOW, 120 * WINDOW]]);
    push(4, SILENCE);
    expect(told(endpointer.close()), "too short to tell").toEqual([["stopped", 120 * WINDOW, 124 * WINDOW]]);
  });

  test("keeps no more than a prefix while nobody speaks, and its rest point moves along", () => {
    const endpointer = createEndpointer();
    for (let minute = 1; minute <= 10; minute += 1) {
      endpointer.push({ samples: new Int16Array(1_875 * WINDOW), speech: new Float32Array(1_875).fill(SILENCE) });
      expect(endpointer.rest).toEqual({ at: minute * 1_875 * WINDOW - 4_800, carriesOn: false });
      expect(endpointer.utterance()).toBeUndefined();
    }
    endpointer.push({ samples: soundOf(3), speech: new Float32Array(3).fill(SPEECH) });
    expect(endpointer.utterance()?.samples.length).toBe(4_800 + 3 * WINDOW);
  });

  test("counts other options from the next utterance on", () => {
    const endpointer = createEndpointer();
    const push = (windows: number, probability: number) =>
      stops(endpointer.push({ samples: soundOf(windows), speech: new Float32Array(windows).fill(probability) }));
    push(20, SPEECH);
    endpointer.update({ silenceMs: 1_000 });
    expect(push(16, SILENCE).length).toBe(1);
    push(20, SPEECH);
    expect(push(16, SILENCE).length).toBe(0);
    expect(push(16, SILENCE).length).toBe(1);
  });

  test("cuts the same however the pushes are cut, and every utterance holds its own samples", () => {
    fc.assert(
      fc.property(
        stretches,
        settings,
        fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 5 }),
        (talk, options, steps) => {
          const speech = speechOf(talk);
          const sound = soundOf(speech.length);
          const one = createEndpointer(options);
          const whole = [...pushAll(one, { sound, speech }, { steps: [sound.length] }), ...one.close()];
          const other = createEndpointer(options);
          const inSteps = [...pushAll(other, { sound, speech }, { steps }), ...other.close()];
          expect(inSteps).toEqual(whole);
          let end = 0;
          for (const event of whole) {
            expect(event.start).toBeGreaterThanOrEqual(end);
            if (event.type === "started") continue;
            end = event.end;
            expect(event.end - event.start).toBeLessThanOrEqual((options.segmentSeconds ?? 25) * 16_000);
            if (event.type === "stopped") expect(event.samples).toEqual(sound.slice(event.start, event.end));
          }
          // Of what was pushed without turns every sample is in one utterance, or in one that was dropped.
          const ends = whole.flatMap((event) => ("end" in event ? event.end - event.start : []));
          if (options.turns === "none") expect(ends.reduce((sum, length) => sum + length, 0)).toBe(sound.length);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a fresh one that begins at any rest point makes the same cuts from there on", () => {
    fc.assert(
      fc.property(stretches, settings, fc.array(fc.nat(1_000), { maxLength: 4 }), (talk, options, places) => {
        const speech = speechOf(talk);
        const sound = soundOf(speech.length, 7);
        const endpointer = createEndpointer(options);
        const events: EndpointEvent[] = [];
        const rests: { rest: RestPoint; so: number }[] = [];
        for (let window = 0; window < speech.length; window += 1) {
          const samples = sound.subarray(window * WINDOW, (window + 1) * WINDOW);
          events.push(...endpointer.push({ samples, speech: speech.subarray(window, window + 1) }));
          rests.push({ rest: endpointer.rest, so: events.filter(({ type }) => type !== "started").length });
        }
        events.push(...endpointer.close());
        const ends = events.filter(({ type }) => type !== "started");
        for (const place of places) {
          const { rest, so } = rests[place % rests.length] ?? { rest: { at: 0, carriesOn: false }, so: 0 };
          // As a listener does that begins at a block some seconds before.
          const start = Math.max(0, Math.floor(rest.at / WINDOW) - (place % 50)) * WINDOW;
          const fresh = createEndpointer(options, { rest, start });
          const again = [...pushAll(fresh, { sound, speech }, { from: start, steps: [700] }), ...fresh.close()];
          expect(again.filter(({ type }) => type !== "started")).toEqual(ends.slice(so));
        }
      }),
      { numRuns: 60 },
    );
  });

  test("refuses to begin before what it is given", () => {
    expect(() => createEndpointer({}, { rest: { at: 1_000, carriesOn: false }, start: 1_024 })).toThrow(RangeError);
    expect(() => createEndpointer({}, { rest: { at: 1_000, carriesOn: false }, start: 100 })).toThrow(RangeError);
  });
});
