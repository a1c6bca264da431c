import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadAsrModel } from "../load-asr-model.ts";
import type { AsrModel, AsrOutcome, AsrResult, AsrSegment } from "../types.ts";
import { spellings } from "./search/phrases.ts";
import { makeClip } from "./testing/clips.ts";
import { writePublishedModel, writeTinyModel } from "./testing/tiny-model.ts";

const voice = (seconds: number) => makeClip({ kind: "voice", samples: seconds * 16_000, seed: 21 });
const segment = (change: Partial<AsrSegment> = {}): AsrSegment => ({
  ...{ samples: voice(2), language: "auto", timestamps: false, hotwords: [], phrases: [] },
  ...change,
});

function resultOf(outcome: AsrOutcome | undefined): AsrResult {
  if (outcome?.ok !== true) throw new Error(JSON.stringify(outcome));
  return outcome.result;
}

const load = (modelId: string) =>
  loadAsrModel({ modelId, device: "cpu", computeType: "auto", threads: 1, beamSize: 2, log: () => {} });

let root: string;
let model: AsrModel;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "whisper-architecture-"));
  await writeTinyModel(join(root, "own"), "multilingual-80", { maxTokens: 12 });
  model = await load(join(root, "own"));
});
afterAll(async () => {
  await model.close();
  await rm(root, { recursive: true });
});

// Other suites may have the cores.
describe("the whisper architecture", { timeout: 180_000 }, () => {
  it("answers every row of a pass in its place: text, language by name, words inside the audio", async () => {
    const outcomes = await model.transcribe([
      segment({ timestamps: true, language: "German" }),
      segment({ samples: new Int16Array() }),
      segment({ language: "Cantonese" }),
      segment({ samples: new Int16Array(31 * 16_000) }),
      segment(),
    ]);
    const timed = resultOf(outcomes[0]);
    expect(timed.language).toBe("German");
    expect(timed.truncated).toBe(true);
    expect(timed.words.length).toBeGreaterThan(0);
    for (const { start, end, text } of timed.words) {
      expect(start).toBeGreaterThanOrEqual(0);
      expect(end).toBeLessThanOrEqual(2);
      expect(text).toBe(text.trim());
    }
    expect(resultOf(outcomes[1])).toEqual({
      text: "",
      language: "",
      words: [],
      stretches: [],
      score: null,
      truncated: false,
    });
    expect(outcomes[2]).toMatchObject({ ok: false, failure: { code: "language_unsupported", param: "language" } });
    expect(outcomes[3]).toMatchObject({ ok: false, failure: { code: "audio_too_long" } });
    expect(resultOf(outcomes[4]).text).not.toBe("");
    expect(resultOf(outcomes[4]).words).toEqual([]);
  });

  it("tells a text's stretches, its words' confidences, and its tokens where they are asked for", async () => {
    const [timed, plain, scored] = (
      await model.transcribe([
        segment({ timestamps: true, language: "German", logprobs: true }),
        segment(),
        segment({ logprobs: true, phrases: ["yes", "no"] }),
      ])
    ).map(resultOf);
    const { stretches = [], words = [], tokens = [], text, score } = timed ?? {};
    expect(stretches.map((stretch) => stretch.text).join("")).toBe(text);
    expect(stretches[0]).toMatchObject({ temperature: 0, avg_logprob: score });
    for (const { confidence = -1 } of words) {
      expect(confidence).toBeGreaterThanOrEqual(0);
      expect(confidence).toBeLessThanOrEqual(1);
    }
    expect([stretches[0]?.start, stretches.at(-1)?.end]).toEqual([words[0]?.start, words.at(-1)?.end]);
    expect(Buffer.from(tokens.flatMap(({ bytes }) => bytes)).toString()).toBe(text);
    for (const { logprob } of tokens) expect(logprob).toBeLessThanOrEqual(0);
    expect(plain?.stretches).toMatchObject([{ start: 0, end: 2, text: plain?.text, avg_logprob: plain?.score }]);
    expect(plain?.stretches[0]?.no_speech_prob).toBeGreaterThan(0);
    expect(plain?.tokens).toBeUndefined();
    expect(scored?.tokens).toBeUndefined();
    expect(scored?.stretches).toMatchObject([{ text: scored?.text }]);
  });

  it("translates where its manifest does not deny it: the text is English then", async () => {
    const asked = segment({ language: "German", translate: true, timestamps: true });
    const [translated, said] = (await model.transcribe([asked, { ...asked, translate: false }])).map(resultOf);
    expect(translated?.language).toBe("English");
    expect(said?.language).toBe("German");
    expect(translated?.text).not.toBe(said?.text);
    expect(translated?.words.length).toBeGreaterThan(0);
    await writeTinyModel(join(root, "english"), "english-80", { maxTokens: 4 });
    await writeTinyModel(join(root, "turbo"), "multilingual-80", { maxTokens: 4 });
    const manifest = JSON.parse(await readFile(join(root, "turbo", "manifest.json"), "utf8")) as object;
    await writeFile(join(root, "turbo", "manifest.json"), JSON.stringify({ ...manifest, translates: false }));
    for (const name of ["english", "turbo"]) {
      const other = await load(join(root, name));
      const asked = [segment({ translate: true }), segment(), segment({ language: "German" })];
      const [refused, plain, german] = await other.transcribe(asked);
      await other.close();
      expect(german).toMatchObject(
        name === "turbo" ? { ok: true } : { ok: false, failure: { code: "language_unsupported" } },
      );
      expect(refused).toMatchObject({ ok: false, failure: { code: "validation_failed", param: "translate" } });
      expect(refused).toHaveProperty(
        "failure.message",
        expect.stringMatching(/^translate: .* was not trained to translate/),
      );
      expect(resultOf(plain).text).not.toBe("");
    }
  });

  it("samples at the temperature that is asked for, the same for the same audio", async () => {
    const [cold, warm] = (await model.transcribe([segment(), segment({ temperature: 0.7 })])).map(resultOf);
    const [again] = (await model.transcribe([segment({ temperature: 0.7 })])).map(resultOf);
    expect(cold?.stretches[0]?.temperature).toBe(0);
    expect(warm?.stretches[0]?.temperature).toBe(0.7);
    expect(warm?.text).not.toBe(cold?.text);
    expect(again?.text).toBe(warm?.text);
  });

  it("hears hotwords, and refuses more of them than its prompt holds", async () => {
    const [without, withWords, tooMany] = await model.transcribe([
      segment(),
      segment({ hotwords: ["Parlance", "JetStream <|endoftext|>"] }),
      segment({ hotwords: Array.from({ length: 150 }, (_, index) => `word${index}`) }),
    ]);
    expect(resultOf(withWords).text).not.toBe(resultOf(without).text);
    expect(tooMany).toMatchObject({ ok: false, failure: { code: "validation_failed", param: "hotwords" } });
    expect(tooMany).toHaveProperty("failure.message", expect.stringMatching(/at most 223/));
  });

  it("reads a context as the text that came before, of a long one its end, beside all of the hotwords", async () => {
    const filler = Array.from({ length: 300 }, (_, index) => `line ${index}.`).join("\n");
    const context = "Minutes of the meeting about Parlance.";
    const hotwords = ["NATS", "JetStream"];
    const scores = async (...changes: Partial<AsrSegment>[]) =>
      (await model.transcribe(changes.map(segment))).map((outcome) => resultOf(outcome).score);
    const [none, blank, short, padded] = await scores(
      {},
      { context: " \n" },
      { context },
      { context: `\n ${context} ` },
    );
    expect(blank).toBe(none);
    expect(short).not.toBe(none);
    expect(padded).toBe(short);
    const [end, whole, other] = await scores(
      { context: filler, hotwords },
      { context: `${context} ${filler}`, hotwords },
      { context: `${filler} ${context}`, hotwords },
    );
    expect(whole).toBe(end);
    expect(other).not.toBe(end);
  });

  it("is told a language that only Whisper knows, by its code, and refuses one that its vocabulary lacks", async () => {
    const [swahili, unknown] = await model.transcribe([
      segment({ language: "Swahili", timestamps: true }),
      segment({ language: "Cantonese" }),
    ]);
    expect(resultOf(swahili).language).toBe("Swahili");
    const [english] = await model.transcribe([segment({ language: "English", timestamps: true })]);
    expect(resultOf(swahili).text).not.toBe(resultOf(english).text);
    expect(unknown).toMatchObject({ ok: false, failure: { code: "language_unsupported", param: "language" } });
  });

  it("answers one of the phrases, and how likely it is among them", async () => {
    const phrases = ["yes", "no", "Gleis neun", "左に曲がる"];
    const [one, two] = await model.transcribe([segment({ phrases }), segment({ phrases: phrases.slice(0, 1) })]);
    expect(phrases).toContain(resultOf(one).text);
    expect(resultOf(one).score).toBeLessThan(0);
    expect(resultOf(two)).toMatchObject({ text: "yes", score: 0 });
    const [weighed] = await model.transcribe([segment({ phrases, context: "Minutes of the meeting about Parlance." })]);
    expect(resultOf(weighed).score).not.toBe(resultOf(one).score);
    expect(spellings("go left ")).toEqual(["go left", "go left.", "Go left", "Go left."]);
  });

  it("refuses a phrase that no prompt leaves room for, and the rows beside it go on", async () => {
    // Two tokens a letter.
    const rare = (letters: number) => "龘".repeat(letters);
    const context = "word ".repeat(300);
    const [longest, other, behind, plain] = await model.transcribe([
      segment({ phrases: [rare(219)], timestamps: true, language: "English" }),
      segment({ phrases: ["yes", rare(256)] }),
      segment({ phrases: ["yes", rare(130)], context }),
      segment(),
    ]);
    // As the caller wrote it: repetitions are repaired in what a model makes up, not in what it is given to choose from.
    expect(resultOf(longest).text).toBe(rare(219));
    const failure = { code: "validation_failed", param: "phrases" };
    expect(other).toMatchObject({ ok: false, failure: { ...failure, message: expect.stringContaining("443 tokens") } });
    expect(behind).toMatchObject({
      ok: false,
      failure: { ...failure, message: expect.stringContaining("219 tokens") },
    });
    expect(resultOf(plain).text).not.toBe("");
  });

  it("tries a text again that looks wrong, the same way for the same audio", async () => {
    await writeTinyModel(join(root, "sampled"), "multilingual-80", {
      ...{ temperatures: [0, 1], maxTokens: 12, logProbabilityThreshold: 0 },
    });
    const sampled = await load(join(root, "sampled"));
    const again = [
      await sampled.transcribe([segment()]),
      await sampled.transcribe([segment({ samples: voice(3) }), segment()]),
    ];
    await sampled.close();
    const [plain] = await model.transcribe([segment()]);
    expect(resultOf(again[0]?.[0]).text).not.toBe(resultOf(plain).text);
    expect(resultOf(again[1]?.[1]).text).toBe(resultOf(again[0]?.[0]).text);
  });

  it("says nothing where the model is sure that nobody speaks", async () => {
    await writeTinyModel(join(root, "silent"), "multilingual-80", {
      ...{ maxTokens: 12, logProbabilityThreshold: 0, noSpeechThreshold: 0 },
    });
    const silent = await load(join(root, "silent"));
    const [outcome] = await silent.transcribe([segment({ timestamps: true })]);
    await silent.close();
    expect(resultOf(outcome)).toMatchObject({ text: "", words: [], score: null });
  });

  it.each(["split", "merged"] as const)("loads optimum's %s folder by its path alone", async (kind) => {
    await writePublishedModel(join(root, kind), kind, 4);
    const published = await load(join(root, kind));
    const [outcome] = await published.transcribe([segment({ language: "English", phrases: ["one", "two"] })]);
    await published.close();
    expect(published.description).toMatchObject({ architecture: "whisper", computeType: "float32", device: "cpu" });
    expect(["one", "two"]).toContain(resultOf(outcome).text);
  });

  it("names the file and the field that are wrong", async () => {
    await writePublishedModel(join(root, "broken"), "split");
    await writeFile(join(root, "broken", "tokenizer.json"), JSON.stringify({ added_tokens: [], model: { vocab: {} } }));
    await expect(load(join(root, "broken"))).rejects.toThrow(/tokenizer\.json has no token <\|/);
    await writeTinyModel(join(root, "odd"), "english-80", { mels: 0 });
    await expect(load(join(root, "odd"))).rejects.toThrow("whisper.mels");
  });
});
