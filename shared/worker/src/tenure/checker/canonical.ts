/** Worlds that differ only in when they are, or in how passes, runs, engines and calls are numbered, are one. */
import type { World } from "./world.ts";

const times: ReadonlySet<string> = new Set([
  ...[
    "arrivedAt",
    "movedAt",
    "idleSince",
    "waitUntil",
    "breatherUntil",
    "leaveBy",
    "began",
    "firstBegan",
    "until",
    "politeUntil",
  ],
  ...["heardAt", "liveAt", "askedAt", "expiresAt"],
]);
const names: ReadonlySet<string> = new Set(["pass", "engine", "call", "run", "number"]);

export function canonical(world: World): string {
  const { path: _, now, state, engine, ...rest } = world;
  const { count: _count, askedAt, ...timeless } = state;
  // Nothing is decided by when somebody asked while no gap is known.
  const counted = Object.keys(state.gaps).length > 0 ? { ...timeless, askedAt } : timeless;
  const { runs: _runs, ...running } = engine ?? { runs: 0 };
  const numbers = new Map<string, number>();
  const renumber = (what: string, value: number) => {
    const name = `${what} ${value}`;
    const known = numbers.get(name) ?? numbers.size;
    numbers.set(name, known);
    return known;
  };
  function replace(this: object, key: string, value: unknown): unknown {
    if (value instanceof Error) return value.message;
    if (typeof value !== "number") return value;
    if (times.has(key)) return value - now;
    // The number of a run, here and in the engine; all others are drawn from one row.
    if (names.has(key)) return renumber(key === "run" || key === "number" ? "run" : "", value);
    return key === "id" && "rows" in this ? renumber("", value) : value;
  }
  return JSON.stringify([counted, running, rest], replace);
}
