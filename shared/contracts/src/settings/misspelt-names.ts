/**
 * Variables whose names are nearly a setting's: `IDLE_TIMOUT=5` must not start with the default and say nothing.
 *
 * Everybody's variables are in one environment, so how near is near depends on how long a name is. Two names of eight letters and
 * more that are one letter apart (two, from twelve letters on) are the same name by all odds: that is an error. What is within
 * two letters otherwise may be another program's and is a suspicion, which is told and stops nothing. Letters count in
 * any case; two neighbours that changed places count as one. Names of four letters and less are only taken for a setting's
 * when their case alone differs: `PORTS` and `HOSTS` are words.
 */
export interface Misspelling {
  /** As it stands in the environment. */
  name: string;
  /** The setting's name that it is near to. */
  meant: string;
  kind: "error" | "suspicion";
}

/** Of other programs, however near: what they are called, and what Kubernetes and Docker make for a service of any name. */
const foreign = new Set(["APP_KEY", "ENABLE_TLS", "GH_TOKEN", "LOGLEVEL", "ORT_NUM_THREADS"]);
const madeForServices = /_(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP)(_\w+)?)$/;

export function isForeign(name: string): boolean {
  return foreign.has(name) || madeForServices.test(name);
}

const FAR = 3;

/** @param known every name that is read @returns undefined for a known name, and for one that is near to none */
export function misspellingOf(name: string, known: readonly string[]): Misspelling | undefined {
  if (known.includes(name) || isForeign(name)) return undefined;
  const letters = name.toUpperCase();
  let best: { meant: string; distance: number } | undefined;
  for (const meant of known) {
    if (Math.abs(meant.length - name.length) >= FAR) continue;
    const distance = editDistance(letters, meant);
    if (distance <= within(meant) && distance < (best?.distance ?? FAR)) best = { meant, distance };
  }
  if (best === undefined) return undefined;
  const { meant, distance } = best;
  const certain = distance === 0 ? meant.length > 4 : distance <= (meant.length >= 12 ? 2 : meant.length >= 8 ? 1 : 0);
  return { name, meant, kind: certain ? "error" : "suspicion" };
}

/** How many letters apart two names of this length may be to be told of. */
function within(meant: string): number {
  if (meant.length <= 4) return 0;
  return meant.length <= 6 ? 1 : 2;
}

/** Letters to insert, delete, replace or swap with their neighbour: optimal string alignment. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      let cost = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + same,
      );
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) cost = Math.min(cost, (before[column - 2] ?? 0) + 1);
      current.push(cost);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}
