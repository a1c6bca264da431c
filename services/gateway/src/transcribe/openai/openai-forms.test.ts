import { languageCodes, MAX_CONTEXT } from "@parlance/contracts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  answerFormats,
  granularities,
  granularitiesOf,
  transcriptionFormSchema,
  transcriptionWishes,
  translationFormSchema,
  translationWishes,
} from "./openai-forms.ts";

const names = Object.keys(languageCodes);
const language = fc
  .oneof(fc.constantFrom("auto", ...names), fc.constantFrom(...Object.values(languageCodes)))
  .chain((name) => fc.constantFrom(name, name.toUpperCase(), name.toLowerCase(), ` ${name} `));
const flag = fc.constantFrom("true", "True", "1", "yes", "false", "0");
/** What OpenAI documents, in the texts that a form holds, as far as each field stands alone. */
const alone = {
  model: fc.constantFrom("whisper-1", "gpt-4o-transcribe", "openai/whisper-small"),
  language,
  languages: fc.array(language, { minLength: 1, maxLength: 5 }),
  prompt: fc.string({ maxLength: MAX_CONTEXT }),
  temperature: fc.integer({ min: 0, max: 100 }).map((percent) => String(percent / 100)),
  return_timestamps: flag,
  chunking_strategy: fc.constantFrom("auto", '{"type":"server_vad"}'),
};
const plain = fc.record({ ...alone, response_format: fc.constantFrom(...answerFormats) }, { requiredKeys: [] });
const timed = fc.record(
  {
    ...alone,
    response_format: fc.constant("verbose_json"),
    timestamp_granularities: fc.subarray([...granularities], { minLength: 1 }),
  },
  { requiredKeys: ["response_format", "timestamp_granularities"] },
);
const scored = fc.record({ ...alone, include: fc.constant(["logprobs"]) }, { requiredKeys: ["include"] });
const streamed = fc.record(
  { ...alone, stream: flag, response_format: fc.constantFrom("json", "text") },
  { requiredKeys: ["stream"] },
);

describe("a transcription's form", () => {
  test("takes whatever OpenAI documents", () => {
    fc.assert(
      fc.property(fc.oneof(plain, timed, scored, streamed), (form) => {
        const fields = transcriptionFormSchema.parse(form);
        const wishes = transcriptionWishes(fields);
        expect(["auto", ...names]).toContain(wishes.language);
        expect(wishes.temperature).toBe(Number(form.temperature ?? 0));
        expect(wishes.logprobs).toBe("include" in form);
        const words = granularitiesOf(fields).has("word");
        // Whoever gets times of words has asked the model for them.
        if (words && fields.response_format === "verbose_json") expect(wishes.timestamps).toBe(true);
      }),
    );
  });

  test("whatever else a form holds, it is read or refused by the name of a field that it has", () => {
    const anything = fc.dictionary(
      fc.constantFrom(...Object.keys(transcriptionFormSchema.shape)),
      fc.oneof(fc.string(), fc.string({ minLength: 200, maxLength: 5_000 }), fc.array(fc.string())),
    );
    fc.assert(
      fc.property(anything, (form) => {
        for (const schema of [transcriptionFormSchema, translationFormSchema]) {
          const { error } = schema.safeParse(form);
          for (const { path, message } of error?.issues ?? []) {
            expect(Object.keys(schema.shape)).toContain(path[0]);
            expect(message).not.toBe("");
          }
        }
      }),
    );
  });
});

test("a translation is wished for in English, and times only where the answer has them", () => {
  for (const response_format of answerFormats) {
    const wishes = translationWishes(translationFormSchema.parse({ response_format }));
    const timestamps = ["srt", "vtt", "verbose_json"].includes(response_format);
    expect(wishes).toEqual({ language: "auto", translate: true, timestamps, context: "", temperature: 0 });
  }
});
