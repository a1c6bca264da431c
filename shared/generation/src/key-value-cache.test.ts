import type { TensorData } from "@parlance/inference";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCache, type KeyValueCache } from "./key-value-cache.ts";

const shape = { layers: 2, heads: 2, size: 3 };

/** Keys and values of a run: every number of a place says which token it is of, and where in the cache it belongs. */
function outputs(rows: readonly (readonly number[])[]): Record<string, TensorData> {
  const places = rows[0]?.length ?? 0;
  const made: Record<string, TensorData> = {};
  for (let layer = 0; layer < shape.layers; layer++) {
    for (const [kind, part] of ["key", "value"].entries()) {
      const data = rows.flatMap((tokens) =>
        Array.from({ length: shape.heads }, (_, head) =>
          tokens.flatMap((token) => Array.from({ length: shape.size }, (_, at) => mark(token, layer, kind, head, at))),
        ).flat(),
      );
      const dims = [rows.length, shape.heads, places, shape.size];
      made[`${part}.${layer}`] = { type: "float32", data: Float32Array.from(data), dims };
    }
  }
  return made;
}

function mark(token: number, layer: number, kind: number, head: number, at: number): number {
  return token * 100 + layer * 40 + kind * 20 + head * 10 + at;
}

/** The tokens that a row's queries see, in order; every tensor must hold what it is to hold of them. */
function seen(cache: KeyValueCache, row: number): number[] {
  const inputs = cache.inputs();
  const mask = inputs.past_mask?.data ?? [];
  const slots = (inputs.past_mask?.dims[1] ?? 0) as number;
  const visible = Array.from({ length: slots }, (_, slot) => slot).filter((slot) => mask[row * slots + slot] === 0);
  const value = (layer: number, kind: number, head: number, slot: number, at: number) => {
    const data = inputs[`past_${kind === 0 ? "key" : "value"}.${layer}`]?.data ?? [];
    return Number(data[((row * shape.heads + head) * slots + slot) * shape.size + at]);
  };
  return visible.map((slot) => {
    const token = Math.floor(value(0, 0, 0, slot, 0) / 100);
    for (let layer = 0; layer < shape.layers; layer++) {
      for (const kind of [0, 1]) {
        for (let head = 0; head < shape.heads; head++) {
          for (let at = 0; at < shape.size; at++) {
            expect(value(layer, kind, head, slot, at)).toBe(mark(token, layer, kind, head, at));
          }
        }
      }
    }
    return token;
  });
}

const event = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ type: "step" as const }) },
  fc.record({
    type: fc.constant("join" as const),
    length: fc.integer({ min: 1, max: 9 }),
    part: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ type: fc.constant("leave" as const), which: fc.nat(5) }),
  fc.record({ type: fc.constant("move" as const), empty: fc.nat(2), wanted: fc.integer({ min: 1, max: 40 }) }),
);

describe("the cache of keys and values", () => {
  it("shows every row its own tokens, in order, however rows join, leave and move", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
        let cache = createCache(shape, 2, 4, 3);
        /** What each place holds; undefined: nothing. */
        let rows: (number[] | undefined)[] = [undefined, undefined];
        let token = 1;
        const moved = async (empty: number, wanted: number, longest = 0) => {
          const kept = [...rows.keys()].filter((row) => rows[row] !== undefined);
          const added = new Array<undefined>(empty).fill(undefined);
          cache = await cache.move([...kept, ...added], { wanted, longest });
          rows = [...kept.map((row) => rows[row]), ...added];
        };
        for (const one of events) {
          if (one.type === "leave") rows = rows.map((row, at) => (at === one.which % rows.length ? undefined : row));
          else if (one.type === "move") await moved(one.empty, one.wanted);
          else if (one.type === "join") {
            if (!rows.includes(undefined) || cache.used < one.length) await moved(1, 2, one.length);
            const row = rows.indexOf(undefined);
            const tokens = Array.from({ length: one.length }, () => token++);
            cache.begin(row, one.length);
            for (let from = 0; from < one.length; from += one.part) {
              const part = tokens.slice(from, from + one.part);
              cache.write(row, from, outputs([part]), part.length);
            }
            rows[row] = tokens;
          } else if (rows.length > 0) {
            if (cache.full()) await moved(0, 5);
            if (rows.length === 0) continue;
            const said = rows.map(() => [token++]);
            cache.append(outputs(said));
            rows = rows.map((row, at) => row && [...row, ...(said[at] ?? [])]);
          }
          expect(cache.rows).toBe(rows.length);
          for (const [row, tokens] of rows.entries())
            if (tokens !== undefined) expect(seen(cache, row)).toEqual(tokens);
        }
        cache.close();
      }),
      { numRuns: 150 },
    );
  });

  it("keeps no slot in front that no row needs", async () => {
    const cache = createCache(shape, 2, 8, 1);
    cache.begin(0, 8);
    cache.begin(1, 2);
    const shorter = await cache.move([1], { wanted: 1 });
    expect(shorter.used).toBe(2);
    expect(shorter.inputs().past_mask?.dims).toEqual([1, 3]);
    shorter.close();
  });

  it("is given back whole when a move is stopped", async () => {
    const many = { layers: 3, heads: 8, size: 128 };
    const cache = createCache(many, 16, 1_100, 1);
    for (let row = 0; row < 16; row++) cache.begin(row, 1_100);
    const arrays = Object.values(cache.inputs()).filter(({ dims }) => dims.length === 4);
    const moving = cache.move([...Array(16).keys()], { giveWay: () => Promise.reject(new Error("stopped")) });
    await expect(moving).rejects.toThrow("stopped");
    cache.close();
    expect(arrays.map(({ data }) => data.buffer.byteLength)).toEqual(arrays.map(() => 0));
  });
});
