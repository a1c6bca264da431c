/** Against the official implementation: small models with random weights, outputs made by models/recipes/qwen3-tts. */
import { makeClip } from "@parlance/audio/testing/clips";
import { relativeDifference } from "@parlance/inference/testing";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type GoldenRow, kinds, readGolden } from "./testing/golden.ts";
import { noWay, openSmallParts, referenceOf, type SmallParts, talkAll } from "./testing/small-parts.ts";

const greedy = { temperature: 0, predictorTemperature: 0 };

describe("the official answers", () => {
  it("are of texts of many lengths, languages, speakers and instructions, in both layouts, some of which end", () => {
    const rows = kinds.flatMap((kind) => readGolden(kind).rows);
    expect(readGolden("custom-voice").rows.length).toBeGreaterThan(16);
    expect(new Set(rows.map(({ text }) => text.length)).size).toBeGreaterThan(10);
    expect(new Set(rows.map(({ language }) => language)).size).toBe(11);
    expect(new Set(rows.map(({ speaker }) => speaker ?? "")).size).toBe(10);
    expect(new Set(rows.map(({ instructions }) => instructions !== "")).size).toBe(2);
    expect(new Set(rows.map(({ whole }) => whole)).size).toBe(2);
    for (const ended of ["ended", "drawnEnded"] as const) expect(new Set(rows.map((row) => row[ended])).size).toBe(2);
    expect(rows.filter(({ reference, referenceText }) => reference !== undefined && referenceText == null)).not.toEqual(
      [],
    );
  });
});

describe.each(kinds)("%s, against the official implementation", (kind) => {
  const golden = readGolden(kind);
  const { frames } = golden;
  const drawn = {
    ...{ temperature: golden.sampling.temperature, predictorTemperature: golden.sampling.temperature },
    ...{ topK: golden.sampling.top_k, predictorTopK: golden.sampling.top_k },
  };
  const opened: SmallParts[] = [];
  let parts: SmallParts;
  const open = async (...options: Parameters<typeof openSmallParts>) => {
    const ready = await openSmallParts(...options);
    opened.push(ready);
    return ready;
  };
  beforeAll(async () => {
    parts = await open(kind, golden, { sampling: greedy });
  });
  afterAll(async () => {
    for (const each of opened) await each.close();
  });

  const rowsOf = (from: SmallParts, rows: readonly GoldenRow[]) =>
    Promise.all(rows.map(async (row) => ({ ...(await from.prepare(row)), seed: row.seed })));
  const likeliest = ({ codes, ended }: GoldenRow) => ({ codes, ended });
  const byChance = ({ drawn: codes, drawnEnded: ended }: GoldenRow) => ({ codes, ended });

  it("prompts are the same, within 1e-5 of the largest", async () => {
    for (const row of golden.rows) {
      const { prompt, trailing } = await parts.prepare(row);
      const [, places = 0, hidden = 0] = [0, ...row.prompt.shape];
      expect(prompt.length).toBe(places * hidden);
      expect(relativeDifference(prompt, row.prompt)).toBeLessThan(1e-5);
      // Where nothing of the text is left, the official list is of one pad.
      const pad = await parts.sumPlaces([{ text: parts.marks.text.pad }]);
      expect(relativeDifference(trailing.length === 0 ? pad : trailing, row.trailing)).toBeLessThan(1e-5);
      expect(trailing.length === 0 ? pad.length : trailing.length).toBe((row.trailing.shape[0] ?? 0) * hidden);
    }
  });

  it("rows say the same frames alone, all codes of them", async () => {
    for (const row of golden.rows) {
      const [said] = await talkAll(parts.talker, await rowsOf(parts, [row]), frames);
      expect(said).toEqual(likeliest(row));
    }
  });

  it.each([2, 5, 16])("and in ragged passes of %i, which others join as rows end", async (size) => {
    const rows = await rowsOf(parts, golden.rows);
    for (let from = 0; from < rows.length; from += size) {
      const expected = golden.rows.slice(from, from + size).map(likeliest);
      expect(await talkAll(parts.talker, rows.slice(from, from + size), frames)).toEqual(expected);
    }
  });

  it("rows say the same by the same noise, alone and in passes", async () => {
    const sampled = await open(kind, golden, { sampling: drawn });
    const rows = await rowsOf(sampled, golden.rows);
    for (const size of [1, rows.length]) {
      for (let from = 0; from < rows.length; from += size) {
        const expected = golden.rows.slice(from, from + size).map(byChance);
        expect(await talkAll(sampled.talker, rows.slice(from, from + size), frames)).toEqual(expected);
      }
    }
  });

  it("the loop in the graph says the same, the likeliest and by noise, alone and in passes", async () => {
    for (const [sampling, expected] of [
      [greedy, likeliest],
      [drawn, byChance],
    ] as const) {
      const looped = await open(kind, golden, { sampling, talker: "loop" });
      const rows = await rowsOf(looped, golden.rows);
      for (const size of [1, 16]) {
        const some = golden.rows.slice(0, size);
        expect(await talkAll(looped.talker, rows.slice(0, size), frames)).toEqual(some.map(expected));
      }
    }
  });

  it("codes become the same sound within 1e-4 of the largest, whole and in chunks", async () => {
    for (const { codes, samples } of golden.sounds) {
      const list = codes.map((frame) => Int32Array.from(frame));
      const whole = await parts.decoder.begin().decode(list, noWay);
      expect(whole.length).toBe(samples.shape[0]);
      expect(relativeDifference(whole, samples)).toBeLessThan(1e-4);
      for (const size of [4, 25]) {
        const stream = parts.decoder.begin();
        const chunks: number[] = [];
        for (let from = 0; from < list.length; from += size) {
          chunks.push(...(await stream.decode(list.slice(from, from + size), noWay)));
        }
        expect(relativeDifference(Float32Array.from(chunks), { step: 1, data: whole })).toBeLessThan(1e-5);
      }
    }
  });
});

it("references are encoded as the official implementation does, and once", async () => {
  const golden = readGolden("base");
  const parts = await openSmallParts("base", golden);
  onTestFinished(() => parts.close());
  const references = Object.entries(golden.references);
  expect(references.length).toBeGreaterThan(1);
  for (const [name, { clip, check, codes, embedding }] of references) {
    expect(makeClip(...clip).reduce((sum, sample) => sum + Math.abs(sample), 0)).toBe(check);
    const encoded = await parts.references?.encode(referenceOf(golden, name, undefined), noWay);
    expect(encoded?.frames.map((frame) => [...frame])).toEqual(codes);
    const data = Float32Array.from(embedding);
    expect(relativeDifference(encoded?.voice ?? new Float32Array(), { step: 1, data })).toBeLessThan(1e-4);
    expect(await parts.references?.encode(referenceOf(golden, name, "other text"), noWay)).toBe(encoded);
  }
});
