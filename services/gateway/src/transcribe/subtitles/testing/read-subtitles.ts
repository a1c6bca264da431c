/** Subtitles as a player reads them, and transcripts to make them of. */
import type { Transcript, TranscriptSegment, Word } from "@parlance/contracts";

export interface ReadCue {
  start: number;
  end: number;
  lines: string[];
}

const milliseconds = (time: string) => {
  const [hours = 0, minutes = 0, seconds = 0, rest = 0] = time.split(/[:,.]/).map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000 + rest;
};

/** Fails on what a player could not read. */
export function readSrt(file: string): ReadCue[] {
  if (file === "") return [];
  return file
    .replace(/\n$/, "")
    .split("\n\n")
    .map((block, index) => {
      const [number, times = "", ...lines] = block.split("\n");
      if (number !== String(index + 1)) throw new Error(`a cue has the number ${number} in place of ${index + 1}`);
      const [, start = "", end = ""] = /^(\d{2,}:\d\d:\d\d,\d{3}) --> (\d{2,}:\d\d:\d\d,\d{3})$/.exec(times) ?? [];
      if (start === "") throw new Error(`a cue has the times ${times}`);
      return { start: milliseconds(start), end: milliseconds(end), lines };
    });
}

export function readVtt(file: string): ReadCue[] {
  const [head, ...blocks] = file.replace(/\n$/, "").split("\n\n");
  if (head !== "WEBVTT") throw new Error(`a WebVTT file begins with ${head}`);
  return blocks.map((block) => {
    const [times = "", ...lines] = block.split("\n");
    const [, start = "", end = ""] = /^(\d{2,}:\d\d:\d\d\.\d{3}) --> (\d{2,}:\d\d:\d\d\.\d{3})$/.exec(times) ?? [];
    if (start === "") throw new Error(`a cue has the times ${times}`);
    if (/[<>]|&(?!amp;|lt;|gt;)/.test(lines.join("\n"))) throw new Error(`a text is not escaped: ${lines.join("\n")}`);
    const text = lines.map((line) => line.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"));
    return { start: milliseconds(start), end: milliseconds(end), lines: text };
  });
}

/** A transcript of words that follow one another: [text, seconds of silence before it, seconds that it lasts]. */
export function said(
  words: readonly (readonly [string, number, number])[],
  language = "English",
  glue = " ",
): Transcript {
  let now = 0;
  const timestamps = words.map(([text, silence, lasts]): Word => {
    const start = now + silence;
    now = start + lasts;
    const bare = text.replaceAll(/[^\p{L}\p{N}']/gu, "");
    return { text: bare, start: Math.round(start * 1_000) / 1_000, end: Math.round(now * 1_000) / 1_000 };
  });
  return {
    text: words.map(([text]) => text).join(glue),
    language,
    timestamps: timestamps.filter(({ text }) => text !== ""),
  };
}

export const segment = (id: number, start: number, end: number, text: string): TranscriptSegment => ({
  ...{ id, seek: 0, start, end, text, tokens: [], temperature: 0 },
  ...{ avg_logprob: -0.2, compression_ratio: 1.2, no_speech_prob: 0 },
});
