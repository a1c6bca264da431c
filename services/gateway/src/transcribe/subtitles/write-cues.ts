/** Cues as files of subtitles: SRT, and WebVTT as https://www.w3.org/TR/webvtt1/ has it. */

export interface Cue {
  /** Milliseconds. */
  start: number;
  end: number;
  lines: readonly string[];
}

export function writeSrt(cues: readonly Cue[]): string {
  return cues
    .map(({ start, end, lines }, index) =>
      block([`${index + 1}`, `${time(start, ",")} --> ${time(end, ",")}`, ...lines]),
    )
    .join("\n");
}

export function writeVtt(cues: readonly Cue[]): string {
  const blocks = cues.map(({ start, end, lines }) =>
    block([`${time(start, ".")} --> ${time(end, ".")}`, ...lines.map(escapeText)]),
  );
  return [block(["WEBVTT"]), ...blocks].join("\n");
}

function block(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}

/** `>` only matters in an arrow, which would end the cue. */
function escapeText(line: string): string {
  return line.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Hours have two digits, or more beyond 99. */
function time(milliseconds: number, point: "," | "."): string {
  const seconds = Math.floor(milliseconds / 1_000);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  return `${digits(hours, 2)}:${digits(minutes, 2)}:${digits(seconds % 60, 2)}${point}${digits(milliseconds % 1_000, 3)}`;
}

function digits(number: number, count: number): string {
  return String(number).padStart(count, "0");
}
