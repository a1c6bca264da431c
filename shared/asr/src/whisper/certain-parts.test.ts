/** Parts of small models' texts that are given up: what was told is where the next attempt begins, in every way of decoding. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { someOf } from "@parlance/contracts/testing";
import { runWhole } from "@parlance/inference";
import { resolveModel } from "@parlance/model-store";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asrLayouts } from "../layouts/index.ts";
import { openLoopGraphs } from "./graphs/loop-graphs.ts";
import { type OpenedWhisper, openWhisper } from "./open-whisper.ts";
import { makeClip } from "./testing/clips.ts";
import { alike } from "./testing/result-alike.ts";
import { writePublishedModel, writeTinyModel } from "./testing/tiny-model.ts";
import { createTranscriber, type WhisperRow } from "./transcriber.ts";

/** Milliseconds: other suites may have the cores. */
const LONG = 180_000;
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "whisper-parts-"));
});
afterAll(() => rm(root, { recursive: true }));

/** In a language without spaces every character counts: of random words few begin with a space. */
const rowOf = (seed: number): WhisperRow => ({
  samples: makeClip({ kind: "voice", samples: 16_000 * (2 + seed), seed }),
  ...{ language: seed % 2 === 0 ? "en" : "zh", timestamps: seed % 3 !== 0, context: [], phrases: [] },
});
const rows = [0, 1, 2, 3, 4, 5].map(rowOf);

interface Way {
  name: string;
  beams: number;
  /** Of the graph with the loop, which is taken for CUDA. */
  tokensPerRun?: number;
  published?: boolean;
}

const ways: Way[] = [
  { name: "greedily", beams: 1 },
  { name: "with 3 beams", beams: 3 },
  { name: "in runs of 3 tokens", beams: 1, tokensPerRun: 3 },
  { name: "in optimum's layout", beams: 1, published: true },
];

async function open({ beams, tokensPerRun, published = false }: Way, folder: string): Promise<OpenedWhisper> {
  if (published) await writePublishedModel(folder, "merged", 16);
  else await writeTinyModel(folder, "multilingual-80", { maxTokens: 16 }, { loop: tokensPerRun !== undefined });
  const options = {
    modelId: folder,
    device: "cpu",
    computeType: "float32",
    threads: 1,
    beamSize: beams,
    log: () => {},
  } as const;
  const context = {
    ...(await resolveModel({ ...options, layouts: asrLayouts })),
    options,
    device: { provider: "cpu", deviceId: 0 },
  } as const;
  const opened = await openWhisper(context);
  if (tokensPerRun === undefined) return opened;
  const { section, vocabulary } = opened;
  const { control } = vocabulary;
  const graphs = await openLoopGraphs({ context, section, words: control.endOfText, control, tokensPerRun });
  const close = async () => {
    await graphs.close();
    await opened.graphs.close();
  };
  return { ...opened, graphs: { ...graphs, close }, transcribe: createTranscriber({ ...opened, graphs }) };
}

describe.each(someOf(ways, 4))("a text that is said $name", (way) => {
  let model: OpenedWhisper;
  beforeAll(async () => {
    model = await open(way, join(root, way.name));
  }, LONG);
  afterAll(() => model.graphs.close());

  it(
    "and given up behind its first words begins with them when it is tried again",
    async () => {
      const { section, vocabulary } = model;
      Object.assign(section, { noSpeechThreshold: 1, compressionRatioThreshold: 100, logProbabilityThreshold: -100 });
      section.temperatures = [0, 0.4];
      const first = await runWhole(model.transcribe, rows);
      let [told, again] = [0, 0];
      for (const [number, row] of rows.entries()) {
        const { scores = [], logProbability = 0, tokens = [] } = first[number] ?? {};
        // Just unlikely enough to be given up in the end: in between it was likelier.
        section.logProbabilityThreshold = logProbability + 1e-3;
        const parts: string[] = [];
        const read = await runWhole(model.transcribe, [row], (_, { text }) => parts.push(text));
        const unread = await runWhole(model.transcribe, [row]);
        const [result] = read;
        if (result === undefined) throw new Error("the row has no result");
        for (const [place, text] of parts.entries()) expect(text.startsWith(parts[place - 1] ?? "")).toBe(true);
        expect(result.text.startsWith(parts.at(-1) ?? "")).toBe(true);
        expect([result.temperature, unread[0]?.temperature]).toEqual([0.4, 0.4]);
        if (parts.length === 0) expect(read).toEqual(unread.map((each) => alike(each, expect)));
        else {
          again++;
          told += parts.length;
          // The told words are those of the first attempt, as it said them.
          const last = tokens.findIndex(
            (_, place) => vocabulary.decode(tokens.slice(0, place + 1)).trim() === parts.at(-1),
          );
          expect(last).toBeGreaterThanOrEqual(0);
          expect(result.tokens.slice(0, last + 1)).toEqual(tokens.slice(0, last + 1));
          for (const [place, score] of scores.slice(0, last + 1).entries()) {
            expect(result.scores[place]).toBeCloseTo(score, 4);
          }
        }
        // Sums are those of all tokens: what is left is the end of the text, which has a probability too.
        const sum = result.scores.reduce((all, score) => all + score, 0);
        const ofEnd = result.logProbability * (result.tokens.length + 1) - sum;
        if (result.finished) expect(ofEnd).toBeLessThan(1e-3);
        else expect(ofEnd).toBeCloseTo(0, 3);
      }
      expect(again).toBeGreaterThan(0);
      expect(told).toBeGreaterThanOrEqual(again);
    },
    LONG,
  );
});
