/** Subtitles from words with their times: at most two lines of 42 characters, seven seconds, and no pause inside. Pure. */
import type { Word } from "@parlance/contracts";

const LINE = 42;
const LONGEST_SECONDS = 7;
const PAUSE_SECONDS = 1;

export interface Cue {
  start: number;
  end: number;
  text: string;
}

export function cutCues(words: readonly Word[]): Cue[] {
  const cues: Cue[] = [];
  let open: Cue | undefined;
  for (const { start, end, text } of words) {
    const longer: string = open === undefined ? text.trim() : `${open.text} ${text.trim()}`;
    const ends = open !== undefined && /[.!?。！？]$/.test(open.text);
    if (
      open === undefined ||
      ends ||
      longer.length > 2 * LINE ||
      end - open.start > LONGEST_SECONDS ||
      start - open.end > PAUSE_SECONDS
    ) {
      open = { start, end, text: text.trim() };
      cues.push(open);
    } else {
      open.end = end;
      open.text = longer;
    }
  }
  return cues;
}

export function toSrt(cues: readonly Cue[]): string {
  return cues
    .map(({ start, end, text }, index) => `${index + 1}\n${time(start, ",")} --> ${time(end, ",")}\n${inLines(text)}\n`)
    .join("\n");
}

export function toVtt(cues: readonly Cue[]): string {
  const written = cues.map(
    ({ start, end, text }) => `${time(start, ".")} --> ${time(end, ".")}\n${escaped(inLines(text))}\n`,
  );
  return ["WEBVTT\n", ...written].join("\n");
}

function time(seconds: number, point: string): string {
  const ms = Math.round(seconds * 1_000);
  const pad = (value: number, digits: number) => String(value).padStart(digits, "0");
  const [hours, minutes] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60];
  return `${pad(hours, 2)}:${pad(minutes, 2)}:${pad(Math.floor(ms / 1_000) % 60, 2)}${point}${pad(ms % 1_000, 3)}`;
}

/** Two lines of much the same length. */
function inLines(text: string): string {
  if (text.length <= LINE) return text;
  const middle = text.length / 2;
  const spaces = [...text.matchAll(/ /g)].map(({ index }) => index);
  const best = spaces.reduce(
    (near, at) => (Math.abs(at - middle) < Math.abs(near - middle) ? at : near),
    spaces[0] ?? -1,
  );
  return best === -1 ? text : `${text.slice(0, best)}\n${text.slice(best + 1)}`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
