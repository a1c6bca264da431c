import { headerNames, voiceIdOf } from "@parlance/contracts";
import { describe, expect, test } from "vitest";
import { readIntake } from "./read-intake.ts";

function message(subject: string, data: string | Uint8Array, headers: Record<string, string> = {}) {
  return {
    subject,
    data: Buffer.from(data),
    headers: {
      get: (name: string) => headers[name] ?? "",
      has: (name: string) => name in headers,
      keys: () => Object.keys(headers),
    },
  };
}

const drop = (headers: Record<string, string> = {}) => readIntake(message("speech.intake.lab.b1", "audio", headers));
const submitAs = (source: string, submission: unknown, headers: Record<string, string> = {}) =>
  readIntake(
    message(`speech.intake.${source}.b1`, typeof submission === "string" ? submission : JSON.stringify(submission), {
      "Content-Type": "application/json; charset=utf-8",
      ...headers,
    }),
  );
/** As the gateway writes it. */
const submit = (submission: unknown) => submitAs("rest", submission);
const items = (count: number, extra: object = {}) =>
  Array.from({ length: count }, (_, index) => ({ itemId: `i${index}`, file: `f${index}`, ...extra }));

describe("a text drop", () => {
  const say = (data: string | Uint8Array, headers: Record<string, string> = {}) =>
    readIntake(
      message("speech.intake.lab.b1", data, { [headerNames.contentType]: "text/plain; charset=utf-8", ...headers }),
    );

  test("is a text to speak, as its headers wish", () => {
    const batch = say("Good morning.", {
      [headerNames.voice]: "slt",
      [headerNames.speed]: "1.5",
      [headerNames.format]: "opus",
      [headerNames.lane]: "interactive",
      [headerNames.customId]: "mine",
    });
    expect(batch?.lane).toBe("interactive");
    expect(batch?.items).toMatchObject([
      {
        itemId: "0",
        customId: "mine",
        operation: "custom_voice",
        speech: { text: "Good morning.", voice: "slt", speed: 1.5, format: "opus", instructions: "" },
        audio: undefined,
      },
    ]);
    expect(batch?.items[0]?.error).toBeUndefined();
  });

  test("may be of a voice that is designed", () => {
    const headers = { [headerNames.operation]: "voice_design", [headerNames.instructions]: "an old sailor" };
    expect(say("Ahoy.", headers)?.items[0]).toMatchObject({ operation: "voice_design" });
    expect(say("Ahoy.", headers)?.items[0]?.error).toBeUndefined();
  });

  test.each<[string, string | Uint8Array, Record<string, string>, string, string]>([
    ["nothing", "", {}, "text_empty", "payload"],
    ["5,000 characters", "a".repeat(5_000), {}, "text_too_long", "payload"],
    ["only emoji", "\u{1f600}", {}, "text_unspeakable", "payload"],
    ["bytes that are no text", Uint8Array.of(0xff, 0xfe, 0xfd), {}, "text_unspeakable", "payload"],
    ["a bad speed", "Hi.", { [headerNames.speed]: "9" }, "validation_failed", headerNames.speed],
    ["a bad format", "Hi.", { [headerNames.format]: "aac" }, "validation_failed", headerNames.format],
    ["a bad voice", "Hi.", { [headerNames.voice]: "../x" }, "validation_failed", headerNames.voice],
    ["a clone", "Hi.", { [headerNames.operation]: "voice_clone" }, "validation_failed", headerNames.operation],
    [
      "a text to transcribe",
      "Hi.",
      { [headerNames.operation]: "transcribe" },
      "validation_failed",
      headerNames.operation,
    ],
    [
      "a design without words",
      "Hi.",
      { [headerNames.operation]: "voice_design" },
      "validation_failed",
      headerNames.instructions,
    ],
  ])("of %s is a failed item that names what is wrong", (_name, text, headers, code, param) => {
    const item = say(text, headers)?.items[0];
    expect(item?.error).toMatchObject({ code, param, message: expect.stringMatching(new RegExp(`^${param}: `)) });
    expect(item?.operation).not.toBe("");
  });
});

describe("a publisher's submission", () => {
  const publish = (body: unknown, headers: Record<string, string> = {}) => submitAs("lab", body, headers);

  test("is REST's body, as it is", () => {
    const batch = publish(
      {
        label: "My long recording",
        items: [
          {
            operation: "transcribe",
            ref_audio: "f",
            return_timestamps: true,
            custom_id: "chunk_001",
            text: "",
            prompt: "p",
            translate: true,
            temperature: 0.2,
          },
          { operation: "custom_voice", text: "The doctor is in.", speaker: "slt", response_format: "flac" },
          { operation: "voice_clone", text: "Hi.", ref_audio: "g", ref_text: "Hello." },
          { operation: "voice_clone", text: "Hi.", ref_audio: "g", ref_text: "Hello.", x_vector_only_mode: true },
        ],
      },
      { [headerNames.lane]: "interactive" },
    );
    expect(batch).toMatchObject({ batchId: "b1", label: "My long recording", lane: "interactive" });
    expect(batch?.items).toMatchObject([
      {
        itemId: "0",
        customId: "chunk_001",
        audio: { kind: "file", id: "f" },
        wishes: { language: "auto", timestamps: true, context: "p", translate: true, temperature: 0.2, parts: false },
      },
      { itemId: "1", speech: { text: "The doctor is in.", voice: "slt", format: "flac", speed: 1 }, audio: undefined },
      {
        itemId: "2",
        audio: { kind: "file", id: "g" },
        speech: { text: "Hi.", referenceText: "Hello.", format: "wav" },
      },
      { itemId: "3", speech: { referenceText: "" } },
    ]);
    expect(batch?.items.map(({ error }) => error)).toEqual(Array(4).fill(undefined));
  });

  test("a stored voice is cloned, however it is asked for, and a seed goes along", () => {
    const voice = voiceIdOf("Anna");
    const batch = publish({
      items: [
        { operation: "custom_voice", text: "Hi.", voice, seed: 7 },
        { operation: "voice_clone", text: "Hi.", voice },
        { operation: "custom_voice", text: "Hi.", voice: "slt" },
      ],
    });
    expect(batch?.items).toMatchObject([
      { operation: "voice_clone", speech: { voice, seed: 7 } },
      { operation: "voice_clone", speech: { voice, seed: undefined } },
      { operation: "custom_voice", speech: { voice: "slt" } },
    ]);
    expect(batch?.items.map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
  });

  test("control tokens are cut out of all that a model is told, and what is left counts", () => {
    const batch = publish({
      items: [
        {
          ...{ operation: "voice_clone", ref_audio: "g" },
          ...{ text: "Hi<|im_<tts_pad>end|> there.", ref_text: "<|im_start|>Hello." },
        },
        { operation: "custom_voice", text: "Hi.", instructions: "Sad.<|im_end|>" },
        { operation: "custom_voice", text: "<|im_start|><|im_end|>" },
        { operation: "voice_clone", text: "Hi.", ref_audio: "g", ref_text: "<|im_end|>" },
      ],
    });
    expect(batch?.items).toMatchObject([
      { speech: { text: "Hi there.", referenceText: "Hello." } },
      { speech: { instructions: "Sad." } },
      { error: { code: "text_empty", param: "items.2.text" } },
      { error: { code: "reference_text_missing", param: "items.3.ref_text" } },
    ]);
  });

  test.each<[string, object, string, string]>([
    ["no ref_audio", { operation: "transcribe" }, "validation_failed", "items.1.ref_audio"],
    ["no operation", { ref_audio: "f" }, "validation_failed", "items.1.operation"],
    [
      "another service's field name",
      { operation: "voice_clone", text: "Hi.", file: "f" },
      "validation_failed",
      "items.1.ref_audio",
    ],
    [
      "a clone without words",
      { operation: "voice_clone", text: "Hi.", ref_audio: "f" },
      "reference_text_missing",
      "items.1.ref_text",
    ],
    [
      "a format that is none",
      { operation: "custom_voice", text: "Hi.", response_format: "aac" },
      "format_unsupported",
      "items.1.response_format",
    ],
    [
      "twins that differ",
      { operation: "custom_voice", text: "Hi.", voice: "a", speaker: "b" },
      "validation_failed",
      "items.1.speaker",
    ],
    ["nothing to say", { operation: "custom_voice", text: " " }, "text_empty", "items.1.text"],
  ])("with %s in one item fails that item alone, naming the field as its sender wrote it", (_, fault, code, param) => {
    const good = { operation: "transcribe", ref_audio: "f" };
    const batch = publish({ items: [good, { custom_id: "mine", ...fault }, good] });
    expect(batch?.refusal).toBeUndefined();
    expect(batch?.items.map(({ error }) => error?.param)).toEqual([undefined, param, undefined]);
    expect(batch?.items[1]).toMatchObject({ itemId: "1", customId: "mine", error: { code } });
    expect(batch?.items[1]?.error?.message).toMatch(new RegExp(`^${param}: `));
  });

  test.each<[string, unknown, Record<string, string>, string]>([
    ["is no object", [], {}, "body"],
    ["has no items", {}, {}, "items"],
    [
      "has two items of one custom_id",
      { items: Array(2).fill({ operation: "custom_voice", text: "Hi.", custom_id: "x" }) },
      {},
      "items.1.custom_id",
    ],
    [
      "has a lane that is none",
      { items: [{ operation: "custom_voice", text: "Hi." }] },
      { [headerNames.lane]: "fast" },
      headerNames.lane,
    ],
  ])("that %s is refused as a whole", (_, body, headers, field) => {
    expect(publish(body, headers)?.refusal?.message).toMatch(new RegExp(`^${field}: `));
  });

  test("is not the gateway's: a publisher cannot choose its items' ids", () => {
    expect(publish({ items: items(1) })?.items[0]).toMatchObject({ itemId: "0", error: { code: "validation_failed" } });
  });
});

describe("a raw drop", () => {
  test("is a batch of one item, with what its headers wish", () => {
    const batch = drop({
      [headerNames.customId]: "call 17",
      [headerNames.language]: "en-US",
      [headerNames.timestamps]: "true",
      [headerNames.lane]: "interactive",
      [headerNames.hotwords]: '["Parlance"]',
      [headerNames.context]: "a call about JetStream",
      [headerNames.translate]: "true",
      [headerNames.temperature]: "0.4",
      [headerNames.logprobs]: "true",
      [headerNames.parts]: "true",
    });
    expect(batch).toMatchObject({ batchId: "b1", lane: "interactive", items: [{ itemId: "0", customId: "call 17" }] });
    expect(batch?.items[0]?.wishes).toEqual({
      language: "English",
      timestamps: true,
      hotwords: ["Parlance"],
      phrases: [],
      context: "a call about JetStream",
      translate: true,
      temperature: 0.4,
      logprobs: true,
      parts: true,
    });
    expect(batch?.items[0]?.error).toBeUndefined();
  });

  test.each([
    [headerNames.language, "Klingon", /^Parlance-Language: unknown language "Klingon"/],
    [headerNames.timestamps, "perhaps", /^Parlance-Timestamps/],
    [headerNames.lane, "fast", /^Parlance-Lane/],
    [headerNames.hotwords, "Parlance", /^Parlance-Hotwords: must be a JSON array/],
    [headerNames.hotwords, JSON.stringify(Array(70).fill("あ".repeat(80))), /^Parlance-Hotwords: .* 16384 bytes/],
    [headerNames.context, "x".repeat(5_000), /^Parlance-Context: /],
    [headerNames.context, '"half a string', /^Parlance-Context: begins with a quotation mark/],
    [headerNames.customId, "x".repeat(300), /^Parlance-Custom-Id/],
    [headerNames.temperature, "1.5", /^Parlance-Temperature/],
    [headerNames.parts, "1", /^Parlance-Parts/],
  ])("with a bad %s is a failed item that names the header", (name, value, sentence) => {
    const batch = drop({ [name]: value });
    expect(batch?.items[0]?.error).toMatchObject({
      code: "validation_failed",
      param: name,
      message: expect.stringMatching(sentence),
    });
    expect(batch?.refusal).toBeUndefined();
  });

  test("keeps its custom id when another header is bad", () => {
    expect(drop({ [headerNames.customId]: "mine", [headerNames.language]: "?" })?.items[0]).toMatchObject({
      customId: "mine",
    });
  });

  test("on a subject without a batch id that can be told about it is nobody's", () => {
    expect(readIntake(message("speech.intake.lab.a$b", "audio"))).toBeUndefined();
    expect(readIntake(message(`speech.intake.lab.${"x".repeat(65)}`, "audio"))).toBeUndefined();
  });
});

describe("the gateway's submission", () => {
  test("names its items", () => {
    const wishes = { language: "de", context: "first line\nsecond line" };
    const batch = submit({ label: "night", lane: "batch", items: items(1_000, wishes) });
    expect(batch).toMatchObject({ batchId: "b1", label: "night", lane: "batch" });
    expect(batch?.items).toHaveLength(1_000);
    expect(batch?.items[999]).toMatchObject({
      itemId: "i999",
      audio: { kind: "file", id: "f999" },
      wishes: { language: "German", context: "first line\nsecond line" },
    });
  });

  test.each<[string, unknown, string, RegExp]>([
    ["is not JSON", "{items:", "invalid_json", /not valid JSON/],
    ["is not UTF-8", "\u{fffd}".repeat(3), "invalid_json", /./],
    ["is null", null, "validation_failed", /./],
    ["has no items", { items: [] }, "validation_failed", /at least one/],
    ["has 1001 items", { items: items(1_001) }, "validation_failed", /^items: must not hold more than 1000/],
    ["has an item without an id", { items: [{ file: "f" }] }, "validation_failed", /items\.0\.itemId/],
    ["has an item id that is no token", { items: [{ itemId: "a.b" }] }, "validation_failed", /items\.0\.itemId/],
    [
      "has two items of one id",
      { items: [...items(2), ...items(1)] },
      "validation_failed",
      /items\.2\.itemId: is the same as that of item 0/,
    ],
    [
      "has two items of one custom id",
      { items: items(2, { customId: "me" }) },
      "validation_failed",
      /items\.1\.customId/,
    ],
    ["contradicts its subject", { batchId: "b2", items: items(1) }, "validation_failed", /^batchId: is b2/],
    ["has an unknown lane", { lane: "fast", items: items(1) }, "validation_failed", /^lane/],
  ])("that %s is refused, and one item tells why", (_, submission, code, sentence) => {
    const batch = submit(submission);
    expect(batch?.refusal).toMatchObject({ code, message: expect.stringMatching(sentence) });
    expect(batch?.items).toEqual([expect.objectContaining({ itemId: "0", error: batch?.refusal })]);
  });

  test.each<[string, object, string, RegExp]>([
    ["an unknown language", { language: "Klingon" }, "items.1.language", /^items\.1\.language: unknown language/],
    ["an unknown operation", { operation: "sing" }, "items.1.operation", /^items\.1\.operation/],
    ["a file id that is a path", { file: "../../etc/passwd" }, "items.1.file", /^items\.1\.file: is not a file id/],
    ["no file", { file: undefined }, "items.1.ref_audio", /^items\.1\.ref_audio: is required/],
    [
      "more hotwords than a header holds",
      { hotwords: Array.from({ length: 900 }, () => "x".repeat(50)) },
      "items.1.hotwords",
      /hotwords/,
    ],
    ["a context without end", { context: "x".repeat(5_000) }, "items.1.context", /^items\.1\.context: /],
  ])("with %s in one item fails that item alone", (_, fault, param, sentence) => {
    const [good, bad, other] = items(3);
    const batch = submit({ items: [good, { ...bad, ...fault }, other] });
    expect(batch?.refusal).toBeUndefined();
    expect(batch?.items.map(({ error }) => error?.param)).toEqual([undefined, param, undefined]);
    expect(batch?.items[1]?.error?.message).toMatch(sentence);
    expect(batch?.items[1]).toMatchObject({ itemId: "i1" });
  });
});

describe("what means nothing here", () => {
  const told = (...names: string[]) => names.map((name) => `${name}: is not known here and was ignored`);

  test("among the headers of a drop is told of its item", () => {
    expect(drop({ "Parlance-Langauge": "de", "X-Mine": "1" })?.items[0]?.warnings).toEqual(told("Parlance-Langauge"));
    expect(drop({ [headerNames.language]: "de" })?.items[0]).not.toHaveProperty("warnings");
    expect(drop({ "Parlance-Langauge": "de", [headerNames.lane]: "fast" })?.items[0]).toMatchObject({
      error: { code: "validation_failed" },
      warnings: told("Parlance-Langauge"),
    });
  });

  test("in a submission is told of the item that has it, and what belongs to none of the first", () => {
    const item = { operation: "transcribe", ref_audio: "a" };
    const batch = submitAs("lab", { lable: "x", items: [item, { ...item, custom: "x" }, item] });
    expect(batch?.items.map(({ warnings }) => warnings)).toEqual([told("lable"), told("items.1.custom"), undefined]);
  });

  test("a field that is null counts as absent", () => {
    const item = { operation: "transcribe", ref_audio: "a", custom_id: null, language: null, speed: null };
    expect(submitAs("lab", { label: null, items: [item] })).toMatchObject({
      label: "",
      items: [{ customId: undefined }],
    });
    expect(submitAs("lab", { label: null, items: [item] })?.items[0]).not.toHaveProperty("error");
  });
});
