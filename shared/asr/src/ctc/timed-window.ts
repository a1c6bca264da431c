/**
 * Windows of a CTC model. Its words have times, so what is stable is decided by them: a word becomes stable when it ended a while ago and
 * the window before had it in the same place. What lies before is settled, and need not be heard again, but for the context that the
 * graph and the search want: a window costs what is new, not what the utterance is long. Pure.
 *
 * Times are milliseconds of the utterance.
 */
import { type HeardWindow, SAMPLE_RATE, type Word } from "@parlance/contracts";
import * as z from "zod";
import type { AsrSegment } from "../types.ts";
import { MOST_STABLE } from "../windows/agreement.ts";
import { beginsSpaceless, endsSpaceless } from "../windows/units.ts";
import { type Emissions, SEPARATOR } from "./emissions/emissions.ts";
import type { RowEmissions } from "./row-decoder.ts";

/** How long ago a word ended that is stable: until then what follows may change it. */
const SETTLES_AFTER = 600;
/**
 * Heard again before what is not settled. The embedded graph sees 1.9 s to each side, but its windows say the same with less. (Of 2,856 words
 * 172 differed from the final's; 191 with 2 s; 195 with 1.2 s, where more of the stable ones were wrong too.)
 */
const CONTEXT = 1_500;
/** Searched again: two words or three, for those that follow. Between these, wherever there is a gap. */
const SEARCH_CONTEXT = [1_400, 700] as const;
/** How far a word may have moved from one window to the next, in frames. */
const MOVED_FRAMES = 2;
/** Frames come in steps of up to so many: a window begins at such a step. */
const FRAMES_OF_STEP = 4;
/** Words that are remembered, and their code units. */
const MOST_WORDS = 48;
const MOST_LETTERS = 40;

const time = z.number().int().nonnegative();
const timedMemorySchema = z.object({
  rule: z.literal("time 1"),
  stable: z.string().max(MOST_STABLE),
  settled: time,
  words: z.array(z.tuple([z.string().max(MOST_LETTERS), time, time])).max(MOST_WORDS),
});

type TimedWord = z.infer<typeof timedMemorySchema>["words"][number];

export interface TimedWindow {
  /** What of the window is to be heard. */
  samples: Int16Array;
  /** What of that is to be searched for words: all behind a gap between words, some way before what is not settled. */
  searched(heads: RowEmissions): RowEmissions;
  /** What is stable, and what was told behind it, when these words were found: their times are seconds of what was searched. */
  hear(words: readonly Word[]): HeardWindow;
}

/** Undefined where the segment is no window. */
export function timedWindow(
  { samples, window }: Pick<AsrSegment, "samples" | "window">,
  frameSeconds: number,
): TimedWindow | undefined {
  if (window === undefined) return undefined;
  const now = milliseconds(samples.length / SAMPLE_RATE);
  const { success, data } = timedMemorySchema.safeParse(window.memory);
  // A window that ends before what is settled is of another utterance.
  const before = success && data.settled <= now ? data : undefined;
  const { stable, settled, words: known } = before ?? { stable: "", settled: 0, words: [] };
  const step = FRAMES_OF_STEP * frameSeconds;
  const begin = Math.max(0, Math.floor((settled - CONTEXT) / milliseconds(step))) * step;
  const moved = milliseconds(MOVED_FRAMES * frameSeconds);
  /** Seconds. */
  let searchedFrom = begin;

  return {
    samples: samples.subarray(Math.round(begin * SAMPLE_RATE)),
    searched(heads) {
      const frameOf = (milliseconds: number) => Math.floor((milliseconds / 1_000 - begin) / frameSeconds);
      const range = SEARCH_CONTEXT.map((context) => frameOf(settled - context));
      const head = heads.phones ?? heads.characters;
      const first = head === undefined || begin === 0 ? 0 : gapBetween(head, range[0] ?? 0, range[1] ?? 0);
      searchedFrom = begin + first * frameSeconds;
      return { phones: behind(heads.phones, first), characters: behind(heads.characters, first) };
    },
    hear(heard) {
      const at = (seconds: number) => milliseconds(searchedFrom + seconds);
      const words = heard
        .map(({ text, start, end }): TimedWord => [text, at(start), at(end)])
        .filter(([, start, end]) => start + end > 2 * settled);
      const old = now - SETTLES_AFTER;
      let agreed = 0;
      let text = stable;
      for (; agreed < words.length; agreed++) {
        const [word, other] = [words[agreed], known[agreed]];
        if (word === undefined || other === undefined || word[2] > old || !isSame(word, other)) break;
        const longer = joined(text, word);
        if (longer.length > MOST_STABLE) break;
        text = longer;
      }
      const rest = words.slice(agreed);
      // Nobody speaks before the next word, as both windows have it.
      const silence =
        before === undefined ? 0 : Math.min(old, ...[rest[0], known[agreed]].map((word) => word?.[1] ?? old));
      const end = words[agreed - 1]?.[2] ?? 0;
      return {
        stable: text,
        tail: rest.reduce(joined, text).slice(text.length),
        memory: {
          rule: "time 1",
          stable: text,
          settled: Math.max(settled, end, silence),
          words: remembered(rest),
        },
      };
    },
  };

  function isSame([text, start, end]: TimedWord, [otherText, otherStart, otherEnd]: TimedWord): boolean {
    return text === otherText && Math.abs(start - otherStart) <= moved && Math.abs(end - otherEnd) <= moved;
  }
}

/** The frame in a range that is likeliest to part words. */
function gapBetween({ data, offset, frames, labels }: Emissions, from: number, to: number): number {
  const scoreOf = (frame: number) => data[offset + frame * labels + SEPARATOR] ?? Number.NEGATIVE_INFINITY;
  let best = Math.max(0, from);
  for (let frame = best + 1; frame < Math.min(to, frames); frame++) if (scoreOf(frame) > scoreOf(best)) best = frame;
  return best;
}

function behind(head: Emissions | undefined, first: number): Emissions | undefined {
  return head && { ...head, offset: head.offset + first * head.labels, frames: Math.max(0, head.frames - first) };
}

function remembered(words: readonly TimedWord[]): TimedWord[] {
  const tooLong = words.findIndex(([word]) => word.length > MOST_LETTERS);
  return words.slice(0, tooLong === -1 ? MOST_WORDS : Math.min(tooLong, MOST_WORDS));
}

function joined(text: string, [word]: TimedWord): string {
  return text === "" || (endsSpaceless(text) && beginsSpaceless(word)) ? text + word : `${text} ${word}`;
}

function milliseconds(seconds: number): number {
  return Math.round(seconds * 1_000);
}
