/** Every architecture that is registered, in every layout, keeps what a pass promises. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SAMPLE_RATE } from "@parlance/contracts";
import { describeConformance, type Family } from "@parlance/inference/testing/conformance";
import { afterAll, beforeAll, expect, test } from "vitest";
import { abilitiesOf } from "./abilities.ts";
import { architectures } from "./architectures.ts";
import { loadAsrModel } from "./load-asr-model.ts";
import { repairTranscript } from "./repetition.ts";
import { specimens } from "./testing/specimens/index.ts";
import { segment } from "./testing/specimens/specimen.ts";
import type { AsrOutcome, AsrPart, AsrResult, AsrSegment } from "./types.ts";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "conformance-"));
});
afterAll(() => rm(root, { recursive: true }));

const tellsTokens = (architecture: string) => abilitiesOf({ architecture, languages: [] })?.logprobs === true;

test("every architecture has a small model here", () => {
  expect([...specimens.keys()].toSorted()).toEqual([...architectures.keys()].toSorted());
  for (const [architecture, models] of specimens) {
    expect(models.length, architecture).toBeGreaterThan(0);
    const asked = models.some(({ rows }) => rows.some(({ logprobs }) => logprobs === true));
    expect(asked, `${architecture} is asked for tokens`).toBe(tellsTokens(architecture));
  }
});

function resultOf(outcome: AsrOutcome) {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.failure));
  return outcome.result;
}

/** The result, its scores about as they are. */
function nearly({ score, words, stretches, tokens, ...said }: AsrResult) {
  const near = (value: number | null | undefined) => (typeof value === "number" ? expect.closeTo(value, 3) : value);
  return {
    ...{ ...said, score: near(score) },
    words: words.map((word) => ({ ...word, confidence: near(word.confidence) })),
    stretches: stretches.map((stretch) => ({
      ...{ ...stretch, avg_logprob: near(stretch.avg_logprob), no_speech_prob: near(stretch.no_speech_prob) },
    })),
    tokens: tokens?.map((token) => ({ ...token, logprob: near(token.logprob) })),
  };
}

const recognition: Family<AsrPart, AsrOutcome, AsrSegment> = {
  isRefused: ({ ok }) => !ok,
  isTruncated: (outcome) => outcome.ok && outcome.result.truncated,
  expectAlike: (one, other) => expect(resultOf(one)).toEqual(nearly(resultOf(other))),
  /** Each part begins with the one before, and the text with the last. */
  expectJoined(parts, outcome) {
    for (const [index, { text }] of parts.entries()) {
      const next = parts[index + 1]?.text ?? resultOf(outcome).text;
      expect(next.startsWith(text), JSON.stringify([text, next])).toBe(true);
    }
  },
  expectSound(outcome, { timestamps }) {
    const { text, words, stretches } = resultOf(outcome);
    expect(
      stretches
        .map((stretch) => stretch.text)
        .join("")
        .trim(),
    ).toBe(text);
    const times = stretches.flatMap(({ start, end }) => [start, end]);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    for (const { avg_logprob, compression_ratio, no_speech_prob } of stretches) {
      for (const score of [-avg_logprob, compression_ratio, no_speech_prob]) expect(score).toBeGreaterThanOrEqual(0);
    }
    if (!timestamps) expect(words).toEqual([]);
    for (const { confidence = 0 } of words) {
      expect(confidence).toBeGreaterThanOrEqual(0);
      expect(confidence).toBeLessThanOrEqual(1);
    }
  },
};

/** What is said of the tokens of a text: their bytes are the text as it was said. */
function expectTokens(outcome: AsrOutcome, { logprobs = false, phrases }: AsrSegment, canTell: boolean): void {
  const { text, tokens } = resultOf(outcome);
  expect(tokens !== undefined).toBe(logprobs && canTell && phrases.length === 0);
  if (tokens === undefined) return;
  const said = Buffer.concat(tokens.map(({ bytes }) => Uint8Array.from(bytes))).toString();
  expect(repairTranscript(said.trim(), []).text).toBe(text);
  for (const { logprob } of tokens) expect(logprob).toBeLessThanOrEqual(0);
}

for (const [architecture, models] of specimens) {
  const canTell = tellsTokens(architecture);
  for (const {
    name,
    write,
    modelId,
    options,
    rows,
    refused,
    truncated,
    tellsParts = false,
    triesAgain = false,
  } of models) {
    const family: typeof recognition = {
      ...recognition,
      expectSound(outcome, row) {
        recognition.expectSound?.(outcome, row);
        expectTokens(outcome, row, canTell);
      },
    };
    describeConformance(`${architecture}, ${name}`, family, {
      ...{ rows, tellsParts, triesAgain },
      refused: [segment(new Int16Array(3_600 * SAMPLE_RATE)), ...refused],
      ...(truncated && { truncated }),
      async open() {
        const folder = join(root, `${architecture} ${name}`);
        await write?.(folder);
        const settings = { device: "cpu", computeType: "auto", threads: 1, log: () => {}, ...options } as const;
        const { run, close, description } = await loadAsrModel({ modelId: modelId ?? folder, ...settings });
        return { run, close, refills: description.refills };
      },
    });
  }
}
