/**
 * Loops: a model that has lost its way says the same thing over and over, and says it again in the next window, so that two windows
 * agree on it. So what repeats at a window's end is left out of it, whatever it is: speech that truly does so is told when it goes on,
 * or in the end. Pure.
 */
import { type Unit, unitsOf } from "./units.ts";

/** Times in a row at the end of a text that make a loop. */
const AT_THE_END = 3;
/** The same inside a text, where what comes behind it speaks for it: "nought nought nought one". */
const INSIDE = 6;
/** Of the tokens that are being said: so many of them, in so many repetitions, and nothing else will come. */
const TOKENS = 12;
const TOKEN_REPEATS = 4;
/** Characters of one word that may be a loop of its own. */
const LONG_WORD = 24;

/** The text before the loop that it ends in; all of it where there is none. */
export function withoutLastLoop(text: string): string {
  const units = unitsOf(text);
  const begin = loopBegin(keysOf(units), AT_THE_END);
  return begin === undefined ? text : before(text, units, begin);
}

/** The text before the first loop in it. */
export function beforeLoops(text: string): string {
  const units = unitsOf(text);
  const keys = keysOf(units);
  for (let end = 1; end <= keys.length; end++) {
    const unit = units[end - 1];
    if (unit !== undefined && isLoop(unit.key)) return before(text, units, end - 1);
    const begin = loopBegin(keys.slice(0, end), INSIDE);
    if (begin !== undefined) return before(text, units, begin);
  }
  return text;
}

/** Whether tokens that are being said have begun to loop. */
export function tokensLoop(tokens: readonly number[]): boolean {
  const begin = loopBegin(tokens, TOKEN_REPEATS);
  return begin !== undefined && tokens.length - begin >= TOKENS;
}

/** Where the run of equal stretches begins that ends the list, at least so many; the longest run, where several could be meant. */
export function loopBegin(list: readonly (string | number)[], times: number): number | undefined {
  let first: number | undefined;
  for (let period = 1; period * times <= list.length; period++) {
    let from = list.length - period;
    while (from > 0 && list[from - 1] === list[from - 1 + period]) from--;
    const repeats = Math.floor((list.length - from) / period);
    const begin = list.length - repeats * period;
    if (repeats >= times && (first === undefined || begin < first)) first = begin;
  }
  return first;
}

/** Whether a word is one: "hahahaha". */
function isLoop(key: string): boolean {
  const points = Array.from(key);
  return points.length >= LONG_WORD && loopBegin(points, INSIDE) !== undefined;
}

function keysOf(units: readonly Unit[]): string[] {
  return units.map(({ key }) => key);
}

function before(text: string, units: readonly Unit[], unit: number): string {
  return text.slice(0, units[unit - 1]?.to ?? 0);
}
