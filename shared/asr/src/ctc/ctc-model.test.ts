import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { echoSamples, runScript, writeEchoCtcModel, writeRandomCtcModel } from "@parlance/inference/testing";
import { shippedModels } from "@parlance/model-store";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { loadAsrModel } from "../load-asr-model.ts";
import type { AsrModel, AsrOutcome, AsrSegment, LoadAsrOptions } from "../types.ts";
import { createRandom } from "./emissions/synthetic.ts";

const phones = ["", "|", "p", "aa", "r", "l", "ah", "n", "s", "ay", "m", "t", "uw"];
const characters = ["", " ", ..."abcdefghijklmnopqrstuvwxyz", "'"];
const lexicon = "par p aa r\nlance l ah n s\ni ay\nmy m ay\ntwo t uw\ntoo t uw\nto t ah\n";
const languageModel =
  "\\data\\\nngram 1=9\n\\1-grams:\n-1 </s>\n-99 <s>\n-1 par\n-1 lance\n-1 i\n-1 my\n-0.5 two\n-2 too\n-1 to\n\\end\\\n";

let root: string;
const opened: AsrModel[] = [];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "ctc-"));
  await writeEchoCtcModel({
    folder: join(root, "echo"),
    phones,
    characters,
    lexicon,
    languageModel,
    decoding: { openVocabulary: 2 },
  });
});
afterEach(async () => {
  for (const model of opened.splice(0)) await model.close();
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

async function load(modelId: string, change: Partial<LoadAsrOptions> = {}): Promise<AsrModel> {
  const log = () => {};
  const model = await loadAsrModel({
    modelId,
    modelRoot: root,
    device: "cpu",
    computeType: "auto",
    threads: 1,
    log,
    ...change,
  });
  opened.push(model);
  return model;
}

function segment(samples: Int16Array, change: Partial<AsrSegment> = {}): AsrSegment {
  return { samples, language: "auto", timestamps: false, hotwords: [], phrases: [], ...change };
}

/** Each label for two frames with a blank frame behind it, from the second frame on. */
function say(said: string, spelled = ""): Int16Array {
  const spread = (labels: number[]) => [0, ...labels.flatMap((label) => [label, label, 0])];
  const phoneLabels = said === "" ? [] : said.split(" ").map((phone) => phones.indexOf(phone));
  return echoSamples(spread(phoneLabels), spread(Array.from(spelled, (letter) => characters.indexOf(letter))));
}

function resultOf(outcome: AsrOutcome | undefined) {
  if (outcome?.ok !== true) throw new Error(`failed: ${JSON.stringify(outcome)}`);
  return outcome.result;
}

describe("the ctc architecture", () => {
  it("describes what it loaded", async () => {
    const { description } = await load("echo");
    expect(description).toMatchObject({
      name: "echo",
      architecture: "ctc",
      device: "cpu",
      computeType: "float32",
      cuda: false,
    });
    expect(description.warmUpSeconds).toBeGreaterThanOrEqual(0);
  });

  it("says words with their times, and the language that it knows", async () => {
    const model = await load("echo");
    const [outcome] = await model.transcribe([segment(say("m ay | t uw", "my two"), { timestamps: true })]);
    const result = resultOf(outcome);
    expect(result).toMatchObject({ text: "my two", language: "English", truncated: false });
    // Frames of 20 ms: m from 1 to 3, ay from 4 to 6, t from 10, uw to 15.
    expect(result.words).toEqual([
      { text: "my", start: 0.02, end: 0.12, confidence: expect.closeTo(1, 2) },
      { text: "two", start: 0.2, end: 0.3, confidence: expect.closeTo(1, 2) },
    ]);
    expect(result.stretches).toMatchObject([{ text: "my two", start: 0.02, end: 0.3, tokens: [], temperature: 0 }]);
    expect(result.score).toBeLessThan(0);
    expect(result.score).toBeGreaterThan(-0.5);
  });

  it("gives no words unless they are asked for, and nothing at all for silence", async () => {
    const model = await load("echo");
    const [said, silent, empty] = await model.transcribe([
      segment(say("ay")),
      segment(new Int16Array(8_000), { timestamps: true }),
      segment(new Int16Array()),
    ]);
    expect(resultOf(said)).toMatchObject({ text: "i", words: [] });
    expect(resultOf(silent)).toMatchObject({ text: "", words: [], score: null, language: "English" });
    expect(resultOf(empty)).toMatchObject({ text: "", score: null });
  });

  it("fails rows that it cannot do and does the others", async () => {
    const model = await load("echo");
    const outcomes = await model.transcribe([
      segment(say("ay"), { language: "German" }),
      segment(say("ay"), { language: "English" }),
      segment(new Int16Array(41 * 16_000)),
      segment(say("ay"), { phrases: ["打开"] }),
      segment(say("ay"), { translate: true }),
      // It samples nothing, and knows no tokens.
      segment(say("m ay"), { temperature: 1, logprobs: true }),
    ]);
    expect(outcomes.map((outcome) => (outcome.ok ? outcome.result.text : outcome.failure.code))).toEqual([
      "language_unsupported",
      "i",
      "audio_too_long",
      "validation_failed",
      "validation_failed",
      "my",
    ]);
    expect(outcomes[4]).toMatchObject({ failure: { param: "translate" } });
    expect(resultOf(outcomes[5]).tokens).toBeUndefined();
    expect(outcomes[3]).toMatchObject({ failure: { param: "phrases", message: expect.stringContaining("打开") } });
  });

  it("prefers the homophone that the language model prefers, and another one when it is a hotword", async () => {
    const model = await load("echo");
    const audio = say("t uw");
    const [plain, hot] = await model.transcribe([segment(audio), segment(audio, { hotwords: ["Too"] })]);
    expect(resultOf(plain).text).toBe("two");
    expect(resultOf(hot).text).toBe("too");
  });

  it("takes a hotword that the lexicon lacks from the character head", async () => {
    const model = await load("echo", { modelId: "echo" });
    const audio = say("m ay | p aa r | l ah n s", "my parlance");
    const other = say("m ay | p aa r | l ah n s", "my par lance");
    const wish = { hotwords: ["Parlance"], timestamps: true };
    const [plain, hot, unlike] = await model.transcribe([
      segment(audio),
      segment(audio, wish),
      segment(other, { ...wish, hotwords: ["Perlenz"] }),
    ]);
    expect(resultOf(plain).text).toBe("my par lance");
    expect(resultOf(hot).text).toBe("my parlance");
    expect(resultOf(hot).words.map(({ text }) => text)).toEqual(["my", "parlance"]);
    // By its letters, which are said plainly.
    expect(resultOf(hot).words[1]?.confidence).toBeCloseTo(1, 2);
    expect(resultOf(unlike).text).toBe("my par lance");
  });

  it("spells a word that no known word fits", async () => {
    const model = await load("echo");
    // "n uw" is no word of the lexicon: the best that the beam can say fits badly.
    const [outcome] = await model.transcribe([segment(say("m ay | n s uw | m ay", "my noo my"))]);
    expect(resultOf(outcome).text).toBe("my noo my");
  });

  it("chooses the likeliest of a list of phrases, by phones or by letters, with its probability", async () => {
    const model = await load("echo");
    const audio = say("m ay | t uw", "my two");
    const choose = async (phrases: string[], samples = audio) =>
      resultOf((await model.transcribe([segment(samples, { phrases, timestamps: true })]))[0]);
    const sure = await choose(["My 2!", "my lance", "par"]);
    expect(sure.text).toBe("My 2!");
    expect(sure.score).toBeGreaterThan(-0.01);
    expect(sure.words.map(({ text }) => text)).toEqual(["My", "2!"]);
    expect(sure.words[1]?.confidence).toBeCloseTo(1, 2);
    const even = await choose(["my two", "my too"]);
    expect(even.score).toBeCloseTo(Math.log(0.5), 3);
    expect((await choose(["my zoo", "zebra"])).text).toBe("my zoo");
    expect(await choose(["my two"], new Int16Array(4_000))).toMatchObject({ text: "", score: null });
  });

  it("uses the language model that it is given, and refuses one for other words", async () => {
    const other = join(root, "other.arpa");
    await writeFile(other, languageModel.replace("-0.5 two", "-2 two").replace("-2 too", "-0.5 too"));
    const model = await load("echo", { languageModel: other });
    expect(resultOf((await model.transcribe([segment(say("t uw"))]))[0]).text).toBe("too");
    await writeFile(other, "\\data\\\nngram 1=2\n\\1-grams:\n-1 HELLO\n-1 </s>\n\\end\\\n");
    await expect(load("echo", { languageModel: other })).rejects.toMatchObject({ param: "ASR_LANGUAGE_MODEL" });
    await expect(load("echo", { languageModel: join(root, "absent.arpa") })).rejects.toThrow(
      "absent.arpa cannot be read",
    );
  });

  it("repairs repetitions in text and words", async () => {
    const model = await load("echo");
    const audio = say(Array.from({ length: 25 }, () => "ay").join(" | "));
    const result = resultOf((await model.transcribe([segment(audio, { timestamps: true })]))[0]);
    expect(result.text).toBe("i i");
    expect(result.words.length).toBe(2);
    expect(result.stretches.map(({ text }) => text).join("")).toBe("i i");
  });

  it("runs passes one after the other, in the order of their calls", async () => {
    const model = await load("echo");
    const passes = await Promise.all(["ay", "m ay", "t uw"].map((said) => model.transcribe([segment(say(said))])));
    expect(passes.map(([outcome]) => resultOf(outcome).text)).toEqual(["i", "my", "two"]);
  });

  it("spells freely when the model has characters only", async () => {
    await writeEchoCtcModel({ folder: join(root, "letters"), name: "letters", phones: [], characters });
    const model = await load("letters");
    const [outcome] = await model.transcribe([segment(say("", "hello  you"), { timestamps: true })]);
    expect(resultOf(outcome)).toMatchObject({ text: "hello you", words: [{ text: "hello" }, { text: "you" }] });
    for (const { confidence } of resultOf(outcome).words) expect(confidence).toBeCloseTo(1, 2);
  });

  it("decodes characters with the words of a language model, and spells others where that is allowed", async () => {
    for (const [openVocabulary, text] of [
      [0, "my lance"],
      [1, "my lancet"],
    ] as const) {
      const name = `letters-${openVocabulary}`;
      const decoding = { openVocabulary };
      await writeEchoCtcModel({ folder: join(root, name), name, phones: [], characters, languageModel, decoding });
      const model = await load(name);
      expect(resultOf((await model.transcribe([segment(say("", "my lancet"))]))[0]).text).toBe(text);
    }
  });

  it("refuses a model whose manifest or graph is not what it says", async () => {
    const folder = join(root, "wrong");
    await writeEchoCtcModel({ folder, name: "wrong", phones, characters });
    const path = join(folder, "manifest.json");
    const manifest = JSON.parse(await readFile(path, "utf8"));
    const withSection = (change: object) =>
      writeFile(path, JSON.stringify({ ...manifest, ctc: { ...manifest.ctc, ...change } }));
    await withSection({ frameSeconds: 0 });
    await expect(load("wrong")).rejects.toThrow("manifest of wrong: ctc.frameSeconds");
    await withSection({ phones: ["|", "", "a"] });
    await expect(load("wrong")).rejects.toThrow('must begin with ""');
    await withSection({ tensors: { ...manifest.ctc.tensors, phones: "fones" } });
    await expect(load("wrong")).rejects.toThrow("its graph has no fones");
    await writeFile(path, JSON.stringify({ ...manifest, architecture: "seance" }));
    await expect(load("wrong")).rejects.toThrow("asr/seance");
  });
});

describe("a padded batch", () => {
  it("gives each row the text, times and score of that row alone", async () => {
    const source = join(root, "words.txt");
    await writeFile(source, lexicon);
    const arpa = join(root, "words.arpa");
    await writeFile(arpa, languageModel);
    const { parameters } = await writeRandomCtcModel({
      folder: join(root, "random"),
      name: "random",
      parameters: 300_000,
      phones,
      characters,
      lexicon: source,
      languageModel: arpa,
    });
    expect(parameters).toBeGreaterThan(200_000);
    expect(parameters).toBeLessThan(450_000);
    const model = await load("random", { beamSize: 8 });
    const random = createRandom(5);
    const segments = [3.1, 0.4, 1.7, 0.02, 2.5].map((seconds) => {
      const samples = Int16Array.from({ length: Math.round(seconds * 16_000) }, () => 8_000 * (random() - 0.5));
      return segment(samples, { timestamps: true });
    });
    const together = await model.transcribe(segments);
    expect(resultOf(together[0]).text).not.toBe("");
    for (const [row, alone] of segments.entries()) {
      const [expected] = await model.transcribe([alone]);
      expect(resultOf(together[row])).toMatchObject({ ...resultOf(expected), score: expect.toSatisfy(() => true) });
      expect(resultOf(together[row]).score ?? 0).toBeCloseTo(resultOf(expected).score ?? 0, 3);
    }
  });
});

it("a graph of many weights is left between its pieces", async () => {
  const points = async (name: string, parameters: number) => {
    await writeRandomCtcModel({
      folder: join(root, name),
      name,
      parameters,
      frameSeconds: 0.01,
      phones: [],
      characters,
    });
    const { run } = await load(name);
    return (await runScript(run, { rows: [segment(new Int16Array(8_000))] })).points;
  };
  expect(await points("light", 300_000)).toBe(1);
  expect(await points("heavy", 4e6)).toBeGreaterThan(2);
});

it("gives way twice and more within a row of the model that ships, which is as long as rows of files are", async () => {
  const { run } = await load("parlance-en", { modelRoot: shippedModels });
  const { points, ends } = await runScript(run, { rows: [segment(new Int16Array(25 * 16_000))] });
  expect(ends).toMatchObject([{ row: 0 }]);
  expect(points).toBeGreaterThan(2);
});
