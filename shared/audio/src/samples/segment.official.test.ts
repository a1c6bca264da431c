/** The segmenter against Qwen3-ASR's own splitter, on cases that models/recipes/qwen3-asr has made with it. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { makeClip } from "../testing/clips.ts";
import { createSegmenter } from "./segment.ts";

type Case = [
  [kind: string, samples: number, seed: number, silentFrom: number, silentTo: number, longest: number],
  [start: number, samples: number][],
];
const RATE = 160;
const fixture = new URL("../../../asr/src/qwen3-asr/fixtures/utilities.json.gz", import.meta.url);
const { chunks: cases }: { chunks: Case[] } = JSON.parse(gunzipSync(readFileSync(fixture)).toString("utf8"));

it("cuts where the official splitter cuts, in 1,200 clips", () => {
  expect(cases.length).toBe(1_200);
  for (const [[kind, samples, seed, silentFrom, silentTo, longest], chunks] of cases) {
    const clip = makeClip(kind, samples, seed).fill(0, silentFrom, silentTo);
    const segmenter = createSegmenter({ segmentSeconds: longest }, RATE);
    const segments = [...segmenter.push(clip), ...segmenter.end()];
    expect(segments.map((segment) => [segment.start, segment.samples.length])).toEqual(chunks);
  }
});
