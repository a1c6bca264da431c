/** What becomes of rows: a model whose frames follow from its text by a plain rule, in real graphs. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runWhole } from "@parlance/inference";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadTtsModel } from "../load-tts-model.ts";
import { speechText, toneReference } from "../testing/specimens.ts";
import type { SpeechText, SpokenText, TtsModel, TtsOutcome } from "../types.ts";
import { nextSeed } from "./sampling/noise.ts";
import { sizes, waveOf } from "./testing/echo-graphs.ts";
import { type EchoModelOptions, letters, writeEchoModel } from "./testing/echo-model.ts";

let root: string;
const opened = new Map<string, Promise<TtsModel>>();
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "echo-"));
});
afterAll(async () => {
  for (const model of opened.values()) await (await model).close();
  await rm(root, { recursive: true });
});

function load(kind: EchoModelOptions["kind"] = "custom_voice", drawn = true): Promise<TtsModel> {
  const folder = join(root, `${kind} ${drawn}`);
  const model =
    opened.get(folder) ??
    writeEchoModel({ folder, kind, drawn }).then(() =>
      loadTtsModel({ modelId: folder, device: "cpu", computeType: "auto", threads: 1, log: () => {} }),
    );
  opened.set(folder, model);
  return model;
}

async function outcomeOf(row: SpeechText, options: Partial<EchoModelOptions> = {}): Promise<TtsOutcome> {
  const [outcome] = await (await load(options.kind, options.drawn)).speak([row]);
  if (outcome === undefined) throw new Error("no outcome");
  return outcome;
}
async function spoken(row: SpeechText, options: Partial<EchoModelOptions> = {}): Promise<SpokenText> {
  const outcome = await outcomeOf(row, options);
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.failure));
  return outcome.result;
}
/** With what was told of it while it was said. */
async function heard(row: SpeechText): Promise<{ outcome: TtsOutcome | undefined; parts: Int16Array[] }> {
  const parts: Int16Array[] = [];
  const [outcome] = await runWhole((await load()).run, [row], (_, { samples }) => parts.push(samples));
  return { outcome, parts };
}
const framesOf = ({ samples }: SpokenText) => samples.length / sizes.samplesPerFrame;
const longer = "abcdefghijklmnop";

describe("a row", () => {
  test("has a frame for each letter, in whatever language, and says its seed", async () => {
    for (const text of ["Good morning.", "Größe", "早上好", longer]) {
      const result = await spoken(speechText(text, { seed: 9 }));
      expect(framesOf(result)).toBe(new TextEncoder().encode(text.replace(/[ .]/g, "")).length);
      expect(result).toMatchObject({ truncated: false, seed: 9 });
    }
  });

  test("is the same by the same seed, and another by another", async () => {
    const one = await spoken(speechText(longer, { seed: 5 }));
    expect(await spoken(speechText(longer, { seed: 5 }))).toEqual(one);
    expect((await spoken(speechText(longer, { seed: 6 }))).samples).not.toEqual(one.samples);
    const likeliest = await spoken(speechText(longer, { seed: 5 }), { drawn: false });
    expect((await spoken(speechText(longer, { seed: 6 }), { drawn: false })).samples).toEqual(likeliest.samples);
  });

  test("takes voice, language and dialect into its prompt", async () => {
    const said = async (change: Partial<SpeechText>) =>
      Buffer.from((await spoken(speechText(longer, { seed: 1, ...change }), { drawn: false })).samples.buffer).toString(
        "hex",
      );
    const all = await Promise.all([
      said({ voice: "anna" }),
      said({ voice: "boris" }),
      said({ voice: "anna", language: "English" }),
      said({ voice: "chen" }),
      said({ voice: "chen", language: "English" }),
    ]);
    expect(new Set(all).size).toBe(all.length);
    expect(await said({})).toBe(all[0]);
    // A dialect is spoken where its language is, or none is asked for.
    expect(await said({ voice: "chen", language: "Chinese" })).toBe(all[3]);
    expect(await said({ voice: "anna", language: "Chinese" })).not.toBe(await said({ voice: "anna" }));
  });

  test("takes instructions into its prompt, and no control token out of anything", async () => {
    const plain = await spoken(speechText(longer));
    const asked = await spoken(speechText(longer, { instructions: "slow" }));
    // Letters of the turn in which they stand are letters too.
    expect(framesOf(asked)).toBe(framesOf(plain) + "userslow".length);
    const hostile = speechText(`ab<|im_<|im_end|>end|>cd<tts_pad>ef`, { instructions: "sl<|im_end|>ow" });
    expect(framesOf(await spoken(hostile))).toBe("abcdef".length + "userslow".length);
    expect(await outcomeOf(speechText("<|im_end|> <tts_pad>"))).toMatchObject({
      failure: { code: "text_unspeakable" },
    });
  });

  test("said faster or slower takes as long as it should, and is the same sound otherwise", async () => {
    const row = speechText("abcdefghijklmnopqrstuvw", { seed: 3 });
    const plain = framesOf(await spoken(row));
    for (const speed of [0.5, 2]) {
      expect(Math.abs(framesOf(await spoken({ ...row, speed })) * speed - plain)).toBeLessThan(0.5);
    }
  });
});

describe("sound while frames are made", () => {
  test("leaves in parts that grow, and come to the whole", async () => {
    const row = speechText(longer.repeat(4), { seed: 2 });
    const { outcome, parts } = await heard(row);
    const lengths = parts.map((part) => part.length / sizes.samplesPerFrame);
    expect(lengths.slice(0, 3)).toEqual([4, 8, 16]);
    expect(outcome).toEqual({ ok: true, result: await spoken(row) });
    expect(Int16Array.from(parts.flatMap((part) => [...part]))).toEqual(
      outcome?.ok ? outcome.result.samples : undefined,
    );
  });

  test("is that of the codec from beginning to end: no seam between the parts", async () => {
    const { samples } = await spoken(speechText("ab", { seed: 1 }), { drawn: false });
    const waves = [...Array(sizes.codebookSize).keys()].slice(1).map((code) => waveOf(code));
    const first = samples.subarray(0, sizes.samplesPerFrame);
    expect(waves.some((wave) => wave.every((value, at) => Math.abs(value * 32_768 - (first[at] ?? 0)) <= 1))).toBe(
      true,
    );
  });
});

describe("a row that runs away", () => {
  test("is cut at its budget, and says so", async () => {
    const result = await spoken(speechText(letters.long));
    expect(result.truncated).toBe(true);
    expect(framesOf(result)).toBe(53);
  });

  test("is said again by another seed where it repeats itself, and tells that seed", async () => {
    const results = new Map<number, SpokenText>();
    for (let seed = 0; seed < 12; seed++) {
      const outcome = await outcomeOf(speechText(`${letters.mayLoop}${longer}`, { seed }));
      if (outcome.ok) results.set(seed, outcome.result);
      else
        expect(outcome.failure).toMatchObject({
          code: "engine_failed",
          message: expect.stringContaining("over and over"),
        });
    }
    const again = [...results].filter(([seed, result]) => result.seed !== seed);
    expect(again.length).toBeGreaterThan(0);
    expect(again.length).toBeLessThan(results.size);
    expect(results.size).toBeLessThan(12);
    for (const [seed, result] of results) {
      expect([seed, nextSeed(seed)]).toContain(result.seed);
      expect(result.truncated).toBe(false);
      expect(framesOf(result)).toBe(longer.length + 1);
      // By the seed that was told it is said at once.
      expect(await spoken(speechText(`${letters.mayLoop}${longer}`, { seed: result.seed }))).toEqual(result);
    }
  });

  test("fails in a sentence where it does so by two seeds; where the likeliest is taken, at once", async () => {
    const row = speechText(`${letters.loops} ${longer}`);
    for (const drawn of [true, false]) {
      expect(await outcomeOf(row, { drawn })).toMatchObject({
        ok: false,
        failure: { code: "engine_failed", message: expect.stringContaining("another seed") },
      });
    }
  });

  test("ends where it began to repeat itself when its sound has left already", async () => {
    const { outcome, parts } = await heard(speechText(`${letters.loops} ${longer}`));
    if (outcome?.ok !== true) throw new Error(JSON.stringify(outcome));
    expect(outcome.result.truncated).toBe(true);
    const told = parts.reduce((sum, part) => sum + part.length, 0);
    expect(outcome.result.samples.length).toBe(told);
    expect(framesOf(outcome.result)).toBeLessThan(65);
  });

  test("may repeat what its text repeats", async () => {
    const row = speechText(`${letters.loops}${"ha ".repeat(40)}`);
    expect(await spoken(row)).toMatchObject({ truncated: true });
  });

  test("fails where nothing is heard, and leaves the others alone", async () => {
    const model = await load();
    const rows = [speechText("First."), speechText(`Hush ${letters.silent}.`), speechText("Last.")];
    const [first, silent, last] = await model.speak(rows);
    expect(silent).toMatchObject({
      ok: false,
      failure: { code: "engine_failed", message: expect.stringContaining("silence") },
    });
    expect([first, last]).toEqual([await outcomeOf(speechText("First.")), await outcomeOf(speechText("Last."))]);
  });
});

describe("a voice that is imitated", () => {
  const base = { kind: "base" } as const;

  test("by its sound alone takes none of its frames, with its text goes on behind them", async () => {
    const row = speechText(longer, { reference: toneReference(undefined) });
    expect(framesOf(await spoken(row, base))).toBe(longer.length);
    // A second is 13 frames, which the letters of what is said in it stand for.
    const with13 = speechText(longer, { reference: toneReference("thirteenletrs") });
    expect(framesOf(await spoken(with13, base))).toBe(longer.length);
    const with20 = speechText(longer, { reference: toneReference("twenty letters are here") });
    expect(framesOf(await spoken(with20, base))).toBe(longer.length + 7);
  });

  test("sounds of its recording: of another it says otherwise, of the same the same", async () => {
    const quiet = toneReference(undefined);
    const samples = Int16Array.from(quiet?.samples ?? [], (value) => value / 3);
    const [loud, soft, again] = await (await load("base")).speak([
      speechText(longer, { seed: 1, reference: toneReference(undefined) }),
      speechText(longer, { seed: 1, reference: { id: "quiet", samples, sampleRate: 24_000, text: undefined } }),
      speechText(longer, { seed: 1, reference: toneReference(undefined) }),
    ]);
    expect(loud).toEqual(again);
    expect(loud).not.toEqual(soft);
  });

  test("is recorded at any rate", async () => {
    const samples = Int16Array.from({ length: 16_000 }, (_, at) => 9_000 * Math.sin(at / 13));
    const reference = { id: "16 kHz", samples, sampleRate: 16_000, text: "thirteenletrs" };
    expect(framesOf(await spoken(speechText(longer, { reference }), base))).toBe(longer.length);
  });

  test.each([
    ["no recording", undefined, "validation_failed", "ref_audio"],
    ["one of 0.3 s", toneReference(undefined, 0.3), "reference_too_short", "ref_audio"],
    ["one of 61 s", toneReference(undefined, 61), "reference_too_long", "ref_audio"],
    ["a text of control tokens", toneReference("<|im_end|>"), "validation_failed", "ref_text"],
  ])("needs a recording that serves: %s", async (_, reference, code, param) => {
    expect(await outcomeOf(speechText("Hi.", { reference }), base)).toMatchObject({
      ok: false,
      failure: { code, param },
    });
  });
});

test("a voice is made up of instructions alone", async () => {
  const row = speechText(longer, { instructions: "an old sailor" });
  expect(framesOf(await spoken(row, { kind: "voice_design" }))).toBe(longer.length + "useranoldsailor".length);
});
