/**
 * Which part of what a model says of a growing utterance is stable: what it said twice in a row (LocalAgreement-2 of Macháček and
 * others, 2023), without the last word, which may go on. Words are compared without case and punctuation; the newest spelling is
 * kept as long as a word is not stable. What is stable is never touched again, whatever the model says later: a later text goes on
 * where its beginning is most like what is stable. Pure.
 */
import { beforeLoops, withoutLastLoop } from "./loops.ts";
import { beginsSpaceless, type Unit, unitsOf } from "./units.ts";

export interface Spoken {
  /** Never changes; ends with a letter or digit. */
  stable: string;
  /** What was said behind it. */
  tail: string;
}

export const nothingSpoken: Spoken = { stable: "", tail: "" };

/** Code units that may become stable, so that a memory has room for them: three times what half a minute comes to. */
export const MOST_STABLE = 2_000;

/** Space and marks that have nothing to stand on; Thai and Lao `am` are letters, and join what is before them all the same. */
const beginning = /^(?:[\s\p{M}\p{Grapheme_Extend}\p{Emoji_Modifier}\u200d]|\u0e33|\u0eb3)+/u;
/** White space, and a character whose bytes are not all there yet. */
const ending = /[\s\ufffd]+$/u;

/**
 * What is stable after the model has said `hypothesis` of the whole utterance. `commits` false: nothing becomes stable for now, as while
 * the language may still change.
 */
export function agree(before: Spoken, hypothesis: string, commits = true): Spoken {
  const { stable } = before;
  const said = withoutLastLoop(hypothesis.replace(beginning, "").replace(ending, ""));
  const rest = beforeLoops(behind(stable, said));
  if (!commits) return { stable, tail: rest };
  const known = unitsOf(before.tail);
  const units = unitsOf(rest);
  const room = MOST_STABLE - stable.length;
  let agreed = 0;
  while (agreed + 1 < units.length && units[agreed]?.key === known[agreed]?.key && endOf(units, agreed + 1) <= room) {
    agreed++;
  }
  const cut = endOf(units, agreed);
  return { stable: stable + rest.slice(0, cut), tail: rest.slice(cut) };
}

/** Behind so many units. */
function endOf(units: readonly Unit[], count: number): number {
  return units[count - 1]?.to ?? 0;
}

/** What of a text stands behind that beginning of it which is most like the stable text. */
function behind(stable: string, said: string): string {
  if (stable === "") return said;
  const units = unitsOf(said);
  const end = endOf(
    units,
    likestBeginning(
      keysOf(unitsOf(stable)),
      units.map(({ key }) => key),
    ),
  );
  const rest = said.slice(end);
  const joins = end > 0 ? !growTogether(stable, rest) : rest === "" || beginsSpaceless(rest);
  return joins ? rest : ` ${rest}`;
}

/** Whether the last word of one text would go on in the other, as when a word stands where a character did. */
function growTogether(stable: string, rest: string): boolean {
  const end = stable.length;
  return unitsOf(stable + rest).some(({ from, to }) => from < end && to > end);
}

function keysOf(units: readonly Unit[]): string {
  return units.map(({ key }) => key).join("");
}

/**
 * How many units make the beginning with the least edit distance to `wanted`, letter by letter: "any one" is "anyone". Of equal ones
 * that which is about as long.
 */
function likestBeginning(wanted: string, units: readonly string[]): number {
  /** Distances of what was said so far to each beginning of `wanted`. */
  let distances = Uint16Array.from({ length: wanted.length + 1 }, (_, length) => length);
  let next = new Uint16Array(wanted.length + 1);
  let [best, least, difference] = [0, wanted.length, wanted.length];
  let said = 0;
  for (const [index, key] of units.entries()) {
    for (let place = 0; place < key.length; place++) {
      const code = key.charCodeAt(place);
      next[0] = ++said;
      for (let at = 1; at <= wanted.length; at++) {
        const same = (distances[at - 1] ?? 0) + (wanted.charCodeAt(at - 1) === code ? 0 : 1);
        next[at] = Math.min(same, (distances[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1);
      }
      [distances, next] = [next, distances];
    }
    const distance = distances[wanted.length] ?? 0;
    const longer = Math.abs(said - wanted.length);
    if (distance < least || (distance === least && longer < difference)) {
      [best, least, difference] = [index + 1, distance, longer];
    }
    // All that follows is too far away.
    if (said - wanted.length > least) break;
  }
  return best;
}
