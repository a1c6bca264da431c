/** Folders in the layouts in which others publish Qwen3-ASR load as they are, and say what the official code says. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { loadAsrModel } from "../../load-asr-model.ts";
import type { AsrModel, AsrSegment } from "../../types.ts";
import { fixturePath, goldenClips, readGolden } from "../testing/golden.ts";

const golden = readGolden();
const clips = goldenClips(golden);
const opened: AsrModel[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const model of opened.splice(0)) await model.close();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

async function load(modelId: string, computeType: "auto" | "float32" = "auto"): Promise<AsrModel> {
  const model = await loadAsrModel({ modelId, device: "cpu", computeType, threads: 1, log: () => {} });
  opened.push(model);
  return model;
}

/**
 * Rows of at least a second: shorter ones these exports pad, and the official code does not. A run for every token takes
 * its time: rows that say little, and one that says more than it may.
 */
const rows = golden.rows.filter(
  ({ clip, tokens, truncated }) =>
    (clips.get(clip)?.length ?? 0) >= 16_000 && (tokens.length < 40 || (truncated && clip === "silence")),
);

function segments(): AsrSegment[] {
  return rows.map(({ clip, context, language }) => ({
    samples: clips.get(clip) ?? new Int16Array(),
    language: (language as AsrSegment["language"] | null) ?? "auto",
    timestamps: false,
    hotwords: [],
    phrases: [],
    context,
  }));
}

describe.each(["split", "merged"])("a folder in the %s layout", (layout) => {
  it("says what the official implementation says", async () => {
    const model = await load(fixturePath(layout));
    expect(model.description).toMatchObject({ architecture: "qwen3-asr", computeType: "float32" });
    const outcomes = await model.transcribe(segments());
    const answers = outcomes.map((outcome) =>
      outcome.ok ? [outcome.result.language, outcome.result.text, outcome.result.truncated] : outcome.failure,
    );
    expect(answers.length).toBeGreaterThan(8);
    expect(answers).toEqual(rows.map(({ answer, truncated }) => [...answer, truncated]));
  });

  it("chooses among phrases as the project's own layout does", async () => {
    const [model, own] = [await load(fixturePath(layout)), await load(fixturePath("model"), "float32")];
    const wanted = segments()
      .slice(0, 3)
      .map((row) => ({ ...row, phrases: ["yes", "no", "go left", "Größe"] }));
    const [chosen, expected] = [await model.transcribe(wanted), await own.transcribe(wanted)];
    for (const [index, outcome] of chosen.entries()) {
      const [said, right] = [outcome, expected[index]].map((each) => (each?.ok === true ? each.result : undefined));
      expect(said?.text).toBe(right?.text);
      expect(said?.score).toBeCloseTo(right?.score ?? Number.NaN, 4);
    }
  });

  it("names the field of its config.json, or the file, that is wrong", async () => {
    const folder = await mkdtemp(join(tmpdir(), "published-"));
    folders.push(folder);
    await cp(fixturePath(layout), folder, { recursive: true });
    const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8"));
    config.decoder.vocab_size++;
    await writeFile(join(folder, "config.json"), JSON.stringify(config));
    await expect(load(folder)).rejects.toThrow("embed_tokens.bin");
    delete config.decoder.num_layers;
    await writeFile(join(folder, "config.json"), JSON.stringify(config));
    await expect(load(folder)).rejects.toThrow("decoder.num_layers");
  });
});
