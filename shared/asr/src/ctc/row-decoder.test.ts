import { inOneTurn } from "@parlance/inference";
import { expect, it } from "vitest";
import { spokenEmissions } from "./emissions/synthetic.ts";
import { createVocabulary } from "./language/vocabulary.ts";
import { ctcSectionSchema } from "./manifest-section.ts";
import { createRowDecoder } from "./row-decoder.ts";

const characters = ["", " ", "你", "好", "o", "k"];

it("a head of characters says words, and for windows the characters of scripts without spaces", () => {
  const section = ctcSectionSchema.parse({
    ...{ input: "waveform", frameSeconds: 0.02, characters },
    tensors: { audio: "audio", lengths: "lengths", frames: "frames", characters: "characters" },
  });
  const decode = createRowDecoder({
    ...{ section, vocabulary: createVocabulary(), lexicon: undefined, lexiconHead: "characters" },
    ...{ languageModel: undefined, beamSize: 4 },
  });
  const said = spokenEmissions([2, 3, 4, 5, 1, 4, 5, 2, 3], { labels: characters.length });
  const words = (quick: boolean) => {
    const wishes = { timestamps: true, hotwords: [], phrases: [], quick };
    const decoded = inOneTurn(decode({ phones: undefined, characters: said }, wishes, 9));
    return decoded.words.map(({ text, start, end }) => `${text} ${start}-${end}`);
  };
  expect(words(false)).toEqual(["你好ok 0.04-0.24", "ok你好 0.34-0.54"]);
  expect(words(true)).toEqual([
    ...["你 0.04-0.06", "好 0.1-0.12", "ok 0.16-0.24"],
    ...["ok 0.34-0.42", "你 0.46-0.48", "好 0.52-0.54"],
  ]);
});
