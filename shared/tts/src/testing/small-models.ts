/** Small models that speak by a plain rule, in each layout that is served, and of each kind: the sound of a letter is a frame long. */
import { sizes } from "../qwen3-tts/testing/echo-graphs.ts";
import { writeEchoModel } from "../qwen3-tts/testing/echo-model.ts";
import { writePublishedEcho } from "../qwen3-tts/testing/published-echo.ts";

export const samplesPerLetter = sizes.samplesPerFrame;

/** Each writes the folder. */
export const smallVoices = {
  "stacked graphs, with voices": (folder: string) => writePublishedEcho(folder, "stacked in formats"),
  "fused graphs, for voices by their description": (folder: string) =>
    writePublishedEcho(folder, "fused", "voice_design"),
  "the project's own layout, for voices by a recording": (folder: string) => writeEchoModel({ folder, kind: "base" }),
} as const;
