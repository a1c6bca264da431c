/** Small models of each architecture, with texts for them, as the conformance suite takes them. */
import { letters, writeEchoModel } from "../qwen3-tts/testing/echo-model.ts";
import type { SpeechText } from "../types.ts";

export interface TtsSpecimen {
  name: string;
  /** One that ships, or the folder that `write` made. */
  modelId?: string;
  write?(folder: string): Promise<void>;
  rows: readonly SpeechText[];
  /** Each for another reason. */
  refused: readonly SpeechText[];
  /** One that comes to the end of the model's budget. */
  truncated?: SpeechText;
}

export function speechText(text: string, change: Partial<SpeechText> = {}): SpeechText {
  return {
    text,
    language: "auto",
    voice: undefined,
    instructions: "",
    reference: undefined,
    seed: 0,
    speed: 1,
    ...change,
  };
}

const parametric: TtsSpecimen[] = [
  {
    name: "the voice that ships",
    modelId: "parlance-voice",
    rows: [
      speechText("Two ships, one harbour, and a captain who was late again on Monday morning at a quarter past nine."),
      speechText("Yes."),
      speechText("Seven ships sail slowly to the south.", { speed: 0.5 }),
      speechText("What about a rather longer sentence, then?", { voice: "slt" }),
      speechText("It rained all day. ".repeat(16), { speed: 2 }),
    ],
    refused: [
      speechText("🙂🙂"),
      speechText("This sentence is said over and over again. ".repeat(60)),
      speechText("Hi.", { voice: "nobody" }),
      speechText(" "),
    ],
  },
];

/** A tone, for a voice to imitate. */
export function toneReference(text: string | undefined, seconds = 1): SpeechText["reference"] {
  const samples = Int16Array.from({ length: seconds * 24_000 }, (_, at) => 9_000 * Math.sin(at / 20));
  return { id: `tone of ${seconds} s`, samples, sampleRate: 24_000, text };
}

const qwen3: TtsSpecimen[] = [
  {
    name: "speakers",
    write: (folder) => writeEchoModel({ folder, kind: "custom_voice" }),
    rows: [
      speechText("Two ships, and one harbour.", { voice: "boris", seed: 7 }),
      speechText("Yes."),
      speechText("Seven ships sail.", { speed: 0.5, instructions: "Whisper." }),
      speechText("早上好", { voice: "chen" }),
      speechText("What about a rather longer sentence, then?", { language: "English" }),
    ],
    refused: [
      speechText("🙂🙂"),
      speechText(`Nothing is heard of ${letters.silent}.`),
      speechText("Hi.", { voice: "nobody" }),
      speechText("<|im_end|>"),
    ],
    truncated: speechText(letters.long),
  },
  {
    name: "voices that are imitated",
    write: (folder) => writeEchoModel({ folder, kind: "base" }),
    rows: [
      speechText("Two ships, and one harbour.", { reference: toneReference(undefined) }),
      speechText("Yes, that is me.", { reference: toneReference("Thirteen letters") }),
      speechText("Seven ships.", { reference: toneReference(undefined, 2), speed: 2 }),
      speechText("It is.", { reference: toneReference("Thirteen letters") }),
    ],
    refused: [
      speechText("Nobody to imitate."),
      speechText("Too short.", { reference: toneReference(undefined, 0.3) }),
      speechText("Nothing said.", { reference: toneReference("<|im_end|>") }),
    ],
  },
];

/** By the names under which the architectures are registered. */
export const specimens: ReadonlyMap<string, readonly TtsSpecimen[]> = new Map([
  ["parametric", parametric],
  ["qwen3-tts", qwen3],
]);
