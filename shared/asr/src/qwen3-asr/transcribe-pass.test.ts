/** In which turn the rows of a pass are heard, on the recipe's small model with random weights. */
import type { Manifest } from "@parlance/contracts";
import type { Decoder } from "@parlance/generation";
import { runWhole } from "@parlance/inference";
import { runScript } from "@parlance/inference/testing";
import { resolveModel } from "@parlance/model-store";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { AsrOutcome, AsrPart, AsrPass, AsrSegment } from "../types.ts";
import type { ModelParts } from "./load-parts.ts";
import { fixturePath, goldenClips, readGolden } from "./testing/golden.ts";
import { hidden, openSmallParts, type SmallParts } from "./testing/small-parts.ts";
import { transcribePass } from "./transcribe-pass.ts";

let small: SmallParts;
let decoder: Decoder;
let manifest: Manifest;
/** How many rows each use of the encoder heard. */
let heard: number[];
beforeAll(async () => {
  small = await openSmallParts();
  decoder = await small.openStepwise();
  ({ manifest } = await resolveModel({ modelId: fixturePath("model"), layouts: [], log: () => {} }));
});
afterAll(async () => {
  await decoder.close();
  await small.close();
});

const run = (pass: AsrPass, by = decoder) => {
  heard = [];
  const parts: ModelParts = {
    ...{ decoder: by, tokenizer: small.tokenizer, aligner: undefined, hidden, computeType: "float32" },
    allowance: { tokensPerSecond: 15, spareTokens: 64 },
    encoder: {
      ...small.encoder,
      encode(clips, giveWay) {
        heard.push(clips.length);
        return small.encoder.encode(clips, giveWay);
      },
    },
    close: async () => {},
  };
  return transcribePass(parts, manifest, pass);
};

const rows = [...goldenClips(readGolden()).values()]
  .filter(({ length }) => length > 16_000)
  .slice(0, 5)
  .map(
    (samples): AsrSegment => ({
      samples,
      language: "English",
      timestamps: false,
      hotwords: [],
      phrases: [],
      context: "",
    }),
  );

it.each([
  ["a short row is read as it comes, it speaks by itself and then the others together", [0], [1, 4]],
  ["no text is read as it comes, rows begin together", [], [5]],
])("where %s, and each says what it says alone", async (_, read, expected) => {
  expect(rows).toHaveLength(5);
  const { outcomes, joined } = await runScript<AsrSegment, AsrPart, AsrOutcome>(run, {
    ...{ rows: rows.slice(0, 2), waiting: rows.slice(2), room: 5 },
    readsParts: (row) => read.includes(row),
  });
  expect([joined, heard]).toEqual([3, expected]);
  const alone: AsrOutcome[] = [];
  for (const row of rows) alone.push(...(await runWhole(run, [row])));
  expect(outcomes.map((outcome) => outcome?.ok && outcome.result.text)).toEqual(
    alone.map((outcome) => outcome.ok && outcome.result.text),
  );
});

it("a window that loops ends at once, and tells what came before; a file in its pass is as alone", async () => {
  const loop = small.tokenizer.encode(" the fox jumps over");
  let said = 0;
  /** Takes what it wants for what the model says of the first row. */
  const looping: Decoder = {
    ...decoder,
    decode: (decoding) =>
      decoder.decode({
        ...decoding,
        take: async (places) =>
          (await decoding.take(places)).map((taken) => {
            if (taken.row !== 0) return taken;
            const choose = () => ({ token: loop[said++ % loop.length] ?? 0, logProbability: -1 });
            return { ...taken, sampler: { choose } };
          }),
      }),
  };
  const [first, second] = rows;
  if (first === undefined || second === undefined) throw new Error("there are rows");
  const pass = { rows: [{ ...first, window: { memory: undefined } }, second] };
  const { outcomes } = await runScript<AsrSegment, AsrPart, AsrOutcome>((each) => run(each, looping), pass);
  const [window, file] = outcomes;
  expect(window).toMatchObject({ ok: true, result: { text: "", truncated: true, heard: { stable: "", tail: "" } } });
  expect(said).toBe(Math.max(12, 4 * loop.length));
  const [alone] = await runWhole(run, [second]);
  expect(file?.ok && file.result.text).toBe(alone?.ok && alone.result.text);
});
