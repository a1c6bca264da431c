/** Small models of each architecture, with texts for them, as the conformance suite takes them. */
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

/** By the names under which the architectures are registered. */
export const specimens: ReadonlyMap<string, readonly TtsSpecimen[]> = new Map([["parametric", parametric]]);
