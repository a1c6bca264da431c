/** What can be known at the start is told at the start, in one line, and compute types are wishes. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startServiceProcess, useTestServer } from "@parlance/bus/testing";
import { type ModelVerb, modelStateSchema, modelSubjects } from "@parlance/contracts";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

// A machine that is busy with other things starts slowly.
vi.setConfig({ testTimeout: 60_000 });

const rig = useTestServer({ secured: true });
const shipped = fileURLToPath(new URL("../../../models/parlance-en/", import.meta.url));

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "parlance-start-"));
});
afterAll(() => rmSync(root, { recursive: true }));

function run(settings: Record<string, string>) {
  const main = new URL("./main.ts", import.meta.url);
  const own = { ASR_DEVICE: "cpu", ...settings };
  return startServiceProcess({ server: rig.server, user: "transcribe-worker", main, settings: own });
}

/** A copy of the model that ships, with one file changed. */
function changed(name: string, file: string, change: (content: Buffer) => Buffer | string): string {
  const folder = join(root, name);
  cpSync(shipped, folder, { recursive: true });
  writeFileSync(join(folder, file), change(readFileSync(join(folder, file))));
  return folder;
}

describe("a transcribe-worker refuses to start, in one line that says why", () => {
  async function refusal(settings: Record<string, string>): Promise<string> {
    const refused = run(settings);
    const [code] = await refused.exited;
    expect(code).toBe(1);
    const told = refused.log.filter((line) => line.startsWith("transcribe-worker: "));
    expect(told).toHaveLength(1);
    return told[0] ?? "";
  }

  test.each([
    ["a name that no model has", { MODEL_ID: "nobody" }, "model nobody: no manifest.json"],
    ["a folder without a model", { MODEL_ID: "/nowhere/model" }, "model /nowhere/model: no manifest.json"],
    [
      "a hub id while nothing is downloaded",
      { MODEL_ID: "openai/whisper-tiny", MODEL_HUB: "off" },
      "openai/whisper-tiny",
    ],
    ["a voice", { MODEL_ID: "parlance-voice" }, "parlance-voice is not a speech recognition model"],
    ["a device that is not there", { ASR_DEVICE: "cuda:9" }, "ASR_DEVICE: device cuda:9 cannot be used"],
    ["a word that is no compute type", { ASR_COMPUTE_TYPE: "int3" }, "ASR_COMPUTE_TYPE: must be auto, int8"],
    [
      "a language model that is not there",
      { ASR_LANGUAGE_MODEL: "/nowhere/lm.arpa" },
      "ASR_LANGUAGE_MODEL: /nowhere/lm.arpa",
    ],
    ["a name that is nearly a setting's", { IDLE_TIMOUT: "5" }, "did you mean IDLE_TIMEOUT?"],
  ])("%s", async (_, settings, words) => {
    expect(await refusal(settings)).toContain(words);
  });

  test("a model with a file that is not its manifest's", async () => {
    const folder = changed("wrong-file", "model.onnx", (content) => {
      content[content.length - 1] = (content.at(-1) ?? 0) ^ 1;
      return content;
    });
    expect(await refusal({ MODEL_ID: folder })).toContain("is not the file of its manifest: sha256");
  });

  test("a model of an architecture that there is not", async () => {
    const folder = changed("other-kind", "manifest.json", (content) => `${content}`.replace('"ctc"', '"vosk"'));
    expect(await refusal({ MODEL_ID: folder })).toContain("of the architecture vosk; speech recognition has: ctc");
  });
});

describe("a compute type that the model has no weights for", () => {
  test.each(["int8", "float16", "float32", "auto"])(
    "%s is a wish: the model is loaded with what it has",
    async (wanted) => {
      const worker = run({ ASR_COMPUTE_TYPE: wanted });
      try {
        await worker.says("transcribe-worker ready");
        const fallsBack = wanted === "int8" || wanted === "float16";
        const note = `parlance-en has no ${wanted} weights: float32 is run instead`;
        expect(worker.log.some((line) => line.includes(note))).toBe(fallsBack);
        const before = await state("config");
        expect(before).toMatchObject({ phase: "unloaded", computeType: fallsBack ? "float32" : wanted });
        const loaded = await state("load");
        expect(loaded).toMatchObject({ phase: "loaded", computeType: "float32" });
        expect(loaded.computeTypeNote).toBe(fallsBack ? note : undefined);
      } finally {
        // It gives the lease back.
        worker.child.kill("SIGTERM");
        await worker.exited;
      }
    },
  );

  async function state(verb: ModelVerb) {
    const answer = await rig.bus.request(modelSubjects.verb("asr", verb), "", 30_000);
    return modelStateSchema.parse(JSON.parse(new TextDecoder().decode(answer)));
  }
});
