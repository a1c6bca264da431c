/**
 * How well a cue or a line may end between two units: best where a sentence does, then at a pause, a comma, or before a
 * word that begins a clause; worst behind a word that leans on the next one, and inside a word.
 */
import type { TextUnit } from "./text-units.ts";
import type { Span } from "./unit-times.ts";

/** The place behind a unit. */
export interface Break {
  /** Of ending there: 0 at a sentence's end. */
  cost: number;
  /** Of going on there on the same cue. */
  joinCost: number;
  /** Whether the silence is so long that no cue goes over it. */
  parted: boolean;
}

const costs = {
  sentence: 0,
  pause: 1,
  comma: 2,
  breath: 3,
  clause: 5,
  leaning: 12,
  word: 16,
  behindLeaning: 24,
  inWord: 60,
};
/** On the same cue, behind a sentence or a pause. */
const GOING_ON = 10;
/** Seconds of silence. */
const BREATH = 0.3;
const PAUSE = 0.6;
const PARTING = 2;

const sentenceEnd = /[.!?…。！？｡؟।။។]["'”’»›)\]」』）】]*$/u;
const commaEnd = /[,;:–—、，；：،؛]["'”’»›)\]」』）】]*$/u;
const abbreviation = /^(?:\p{Lu}|Mr|Mrs|Ms|Dr|Prof|St|No|vs|Jr|Sr|bzw|ca|Nr|Hr|Fr|Mme|Sra)\.$/u;
const lowerCase = /^\p{P}*\p{Ll}/u;

const listed = (words: string) => new Set(words.split(" "));

/** Words that mostly begin a clause, and words that belong to the one behind them, by the language's English name. */
const wordsByLanguage = new Map([
  [
    "English",
    {
      clause: listed(
        "and but or nor so because since although though while when where which who whose that if unless until before after as than whether then",
      ),
      leaning: listed("a an the of to in on at by for with from into about my your his her its our their this these"),
    },
  ],
  [
    "German",
    {
      clause: listed(
        "und oder aber denn sondern weil dass wenn als ob obwohl während bevor nachdem damit sodass wo wie",
      ),
      leaning: listed(
        "ein eine einen einem einer der die das den dem des in im an am auf zu zum zur von vom mit für bei aus",
      ),
    },
  ],
  [
    "French",
    {
      clause: listed("et mais ou donc car que qui quand lorsque si parce puisque comme où dont"),
      leaning: listed(
        "un une le la les de du des à au aux en dans sur pour par avec ce cette ces mon ma mes son sa ses",
      ),
    },
  ],
  [
    "Spanish",
    {
      clause: listed("y e o pero sino porque que quien cuando donde si aunque como mientras"),
      leaning: listed("un una unos unas el la los las de del a al en con por para sobre su sus mi mis este esta"),
    },
  ],
  [
    "Italian",
    {
      clause: listed("e ed o ma perché che chi quando dove se come mentre però"),
      leaning: listed(
        "un una uno il lo la i gli le di del della a al alla in nel nella con per su da dal questo questa",
      ),
    },
  ],
  [
    "Portuguese",
    {
      clause: listed("e ou mas porque que quem quando onde se embora como enquanto"),
      leaning: listed("um uma o a os as de do da dos das em no na com por para sobre seu sua este esta"),
    },
  ],
  [
    "Russian",
    {
      clause: listed("и а но или что чтобы если когда который которая которые где как хотя пока"),
      leaning: listed("в во на с со к ко по за от до из у о об для при без не"),
    },
  ],
]);

/** One for each unit: the last unit's is the end of the text. `language` is one English name or several, comma-joined. */
export function findBreaks(units: readonly TextUnit[], times: readonly Span[], language: string): Break[] {
  const known = language.split(",").flatMap((name) => wordsByLanguage.get(name) ?? []);
  const isClause = (word: string) => known.some(({ clause }) => clause.has(word));
  const isLeaning = (word: string) => known.some(({ leaning }) => leaning.has(word));

  const words = units.map(({ text }) => plain(text));

  return units.map((unit, index) => {
    const next = units[index + 1];
    if (next === undefined) return { cost: 0, joinCost: 0, parted: true };
    const silence = (times[index + 1]?.start ?? 0) - (times[index]?.end ?? 0);
    const parted = silence >= PARTING;
    if (next.rest) return { cost: costs.inWord, joinCost: 0, parted };
    const sentence = sentenceEnd.test(unit.text) && !abbreviation.test(unit.text) && !lowerCase.test(next.text);
    const [word = "", nextWord = ""] = words.slice(index, index + 2);
    const among = [
      ...(sentence ? [costs.sentence] : []),
      ...(silence >= PAUSE ? [costs.pause] : []),
      ...(commaEnd.test(unit.text) ? [costs.comma] : []),
      ...(silence >= BREATH ? [costs.breath] : []),
      ...(isClause(nextWord) && !isClause(word) ? [costs.clause] : []),
    ];
    const plainCost = isLeaning(word) || isClause(word) ? costs.behindLeaning : costs.word;
    const leaningNext = isLeaning(nextWord) && plainCost === costs.word ? costs.leaning : plainCost;
    const cost = Math.min(...among, leaningNext);
    return { cost, joinCost: cost <= costs.pause ? GOING_ON : 0, parted };
  });
}

/** Without punctuation and capitals. */
function plain(text: string): string {
  return text.toLowerCase().replace(/^\p{P}+|\p{P}+$/gu, "");
}
