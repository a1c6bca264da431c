/**
 * Transcripts as subtitles, SRT and WebVTT, laid out as they are read: a cue has at most two lines of 42 letters or 16 full-width
 * characters, ends where a phrase does, and lasts from one second to seven. No word is lost, added or changed.
 *
 * The text is cut into units that never break (text-units.ts). They get the times of the words or segments that they match
 * (unit-times.ts), and the places between them get costs (phrases.ts). The cheapest cues are found (cut-cues.ts), broken into lines
 * (break-lines.ts), and given times that never overlap (cue-times.ts). Pure, no state.
 */
import type { SubtitleCues, Transcript } from "@parlance/contracts";
import { breakLines, widths } from "./break-lines.ts";
import { timeCues } from "./cue-times.ts";
import { cutCues } from "./cut-cues.ts";
import { findBreaks } from "./phrases.ts";
import { cutUnits } from "./text-units.ts";
import { timeUnits } from "./unit-times.ts";
import { type Cue, writeSrt, writeVtt } from "./write-cues.ts";

export interface SubtitleOptions {
  /** Of the audio. Default: where the last word or segment ends. */
  seconds?: number | undefined;
  /**
   * `phrases`: as above. `segments`: a cue is a segment of the transcript, on one line; a transcript that has none, or whose
   * segments do not hold its text, is laid out by phrases. Default `phrases`.
   */
  cues?: SubtitleCues | undefined;
}

/** SRT: numbers from 1, times as `00:00:00,000`. Empty when nothing was said. */
export function toSrt(transcript: Transcript, options: SubtitleOptions = {}): string {
  return writeSrt(makeCues(transcript, options));
}

/** WebVTT, its text escaped. Only the header when nothing was said. */
export function toVtt(transcript: Transcript, options: SubtitleOptions = {}): string {
  return writeVtt(makeCues(transcript, options));
}

function makeCues(transcript: Transcript, options: SubtitleOptions): Cue[] {
  const seconds = options.seconds ?? lastEnd(transcript);
  const bySegment = options.cues === "segments" ? segmentCues(transcript, seconds) : undefined;
  return bySegment ?? phraseCues(transcript, seconds);
}

function phraseCues(transcript: Transcript, seconds: number): Cue[] {
  const units = cutUnits(transcript.text);
  const times = timeUnits(units, transcript, seconds);
  const breaks = findBreaks(units, times, transcript.language);
  const widthOf = widths(units);
  const cuts = cutCues(times, breaks, widthOf, seconds);
  const spans = cuts.map(({ from, to }) => ({
    start: times[from]?.start ?? 0,
    end: Math.max(...times.slice(from, to).map(({ end }) => end)),
  }));
  const timed = timeCues(spans, { seconds, shortest: 1, longest: 7 });
  return cuts.map((cut, index) => ({
    start: timed[index]?.start ?? 0,
    end: timed[index]?.end ?? 0,
    lines: breakLines(units, cut, widthOf, breaks),
  }));
}

/** Undefined where the segments do not hold the text. */
function segmentCues({ text, segments = [] }: Transcript, seconds: number): Cue[] | undefined {
  const said = segments.filter((segment) => segment.text.trim() !== "");
  if (withoutSpaces(said.map((segment) => segment.text).join("")) !== withoutSpaces(text)) return undefined;
  const timed = timeCues(said, { seconds, shortest: 0, longest: Number.POSITIVE_INFINITY });
  return said.map((segment, index) => ({
    start: timed[index]?.start ?? 0,
    end: timed[index]?.end ?? 0,
    lines: [segment.text.trim().replace(/\s+/gu, " ")],
  }));
}

function withoutSpaces(text: string): string {
  return text.replace(/\s+/gu, "");
}

function lastEnd({ timestamps = [], segments = [] }: Transcript): number {
  return [...timestamps, ...segments].reduce((latest, { end }) => Math.max(latest, end), 0);
}
