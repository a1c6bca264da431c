/**
 * Qwen3-TTS: a talker that writes frames of sound behind a prompt of text, a predictor that completes each frame, and a codec that
 * turns frames into samples. Three kinds of checkpoint: with voices of its own, with voices that a description makes up, and one that
 * imitates a recording.
 *
 * Exact against the official implementation with the text in front of the sound, which is its own default but for recordings: there it
 * speaks too fast without. Codes are drawn by the row's seed, so that a row says the same alone, in a pass, and tomorrow. A text has a
 * budget of frames by its length, and frames that repeat themselves are noticed: such a row is tried once more by another seed, and fails
 * or is marked as truncated then.
 * A pass gives way between the talker's runs and inside them, tells sound while frames are made, and takes in waiting rows.
 * Rooms: prompt/ (what is asked), talker/ (frames), sampling/ (how they are drawn), stopping/ (when it is enough), codec/ (frames from
 * and to samples), sound/ (silence and speed).
 * State: the sessions, two open files, and the last references; all else lives for a pass.
 */
import { readSection } from "@parlance/inference";
import type { TtsArchitecture } from "../types.ts";
import { loadParts } from "./load-parts.ts";
import { qwen3TtsSectionSchema } from "./manifest-section.ts";
import { loadPublishedParts } from "./published/load-published.ts";
import { speakPass } from "./speak-pass.ts";

export const qwen3TtsArchitecture: TtsArchitecture = {
  name: "qwen3-tts",
  async load(context) {
    const section = readSection(context.manifest, "qwen3-tts", qwen3TtsSectionSchema, "TTS_MODEL_ID");
    const { published } = section;
    const parts = await (published ? loadPublishedParts(context, section, published) : loadParts(context));
    return {
      computeType: parts.computeType,
      refills: parts.talker.refills,
      run: (pass) => speakPass(parts, context.manifest, pass),
      close: parts.close,
    };
  },
};
