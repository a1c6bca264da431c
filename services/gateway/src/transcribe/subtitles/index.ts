export { type SubtitleOptions, toSrt, toVtt } from "./subtitles.ts";
