import { type ModelList, SpeechError } from "@parlance/contracts";
import { describe, expect, test } from "vitest";
import { findNamed, modelsThere, wantedName } from "./named-models.ts";

const model = (id: string, more: Partial<ModelList["models"][number]> = {}) => ({
  ...{ id, name: id, folder: `/models/${id}`, family: "asr" as const, architecture: "x", bytes: 1, complete: true },
  ...more,
});
const list = (selected: string, ...models: ModelList["models"]): ModelList => ({
  ...{ worker: "w", selected, phase: "loaded", models },
});
const there = modelsThere(
  [list("parlance-en", model("parlance-en"), model("openai/whisper-base"), model("half", { complete: false }))],
  [{ model: "parlance-en" }],
);

function refused(name: string, onRequest = true, from = there): SpeechError {
  try {
    findNamed(name, from, onRequest);
  } catch (error) {
    if (error instanceof SpeechError) return error;
  }
  throw new Error(`${name} was not refused`);
}

describe("what a request's model means", () => {
  test("nothing, OpenAI's own names, and spaces mean whichever runs", () => {
    for (const name of [undefined, "", "  ", "whisper-1", "gpt-4o-mini-transcribe-2025-12-15", "GPT-Transcribe"]) {
      expect(wantedName(name), name).toBeUndefined();
    }
    expect(wantedName(" whisper-base ")).toBe("whisper-base");
  });

  test("the model that is selected and those on the disk are known by every name they go by", () => {
    expect(findNamed("Parlance-EN", there, true)).toEqual({ id: "parlance-en", name: "parlance-en" });
    for (const name of ["openai/whisper-base", "whisper-base", "base"]) {
      expect(findNamed(name, there, true)).toEqual({ id: "openai/whisper-base", name: "openai/whisper-base" });
    }
  });

  test("a model that the settings select by its folder is known by the folder's name, and by its own", () => {
    const own = model("/data/my-model", { folder: "/data/my-model", name: "mine" });
    const found = modelsThere([list("/data/my-model", own, model("parlance-en"))], [{ model: "mine" }]);
    for (const name of ["/data/my-model", "my-model", "mine"]) {
      expect(findNamed(name, found, false)).toEqual({ id: "/data/my-model", name: "mine" });
    }
  });

  test("what is selected and not on the disk yet is known by the name that it was selected by", () => {
    const found = modelsThere([list("openai/whisper-small", model("parlance-en"))], []);
    expect(findNamed("whisper-small", found, true)).toEqual({
      id: "openai/whisper-small",
      name: "openai/whisper-small",
    });
  });

  test("everything else is not found, with what there is and how to get more", () => {
    const error = refused("whisper-large-v3");
    expect(error).toMatchObject({ code: "model_not_found", status: 404, param: "model", retryable: false });
    expect(error.message).toBe(
      'model: "whisper-large-v3" is not here. There are parlance-en, openai/whisper-base; another is fetched with POST /api/v1/models/asr/load {"model": "…"}.',
    );
    expect(refused("half").message).toContain('"half" is here in part only');
    expect(refused("x".repeat(10_000)).message.length).toBeLessThan(400);
    expect(refused("parlance-voice").code).toBe("model_not_found");
  });

  test("where requests load no models, those on the disk are not found either, and that is said", () => {
    expect(refused("whisper-base", false).message).toBe(
      'model: "whisper-base" is here but does not run, and requests load no models here (MODELS_ON_REQUEST): POST /api/v1/models/asr/load {"model": "…"} does. What runs is parlance-en.',
    );
    expect(findNamed("parlance-en", there, false)?.id).toBe("parlance-en");
  });

  test("of several workers each has to have it; where they run different models neither counts as the one that runs", () => {
    const one = list("a", model("a"), model("b"));
    const other = list("b", model("a"), model("b"), model("c"));
    const both = modelsThere([one, other], [{ model: "a" }, { model: "b" }]);
    expect(both.selected).toBeUndefined();
    expect(findNamed("b", both, true)).toEqual({ id: "b", name: "b" });
    expect(refused("c", true, both).message).toContain('"c" is here in part only');
  });

  test("while no worker answers nothing is known, and nothing refused", () => {
    expect(findNamed("anything", modelsThere([], []), true)).toBeUndefined();
  });

  test("a worker that lists nothing is known by what it says of itself", () => {
    const found = modelsThere([], [{ model: "openai/whisper-tiny" }]);
    expect(findNamed("whisper-tiny", found, true)?.name).toBe("openai/whisper-tiny");
    // What it has on its disk it may say the next time.
    expect(refused("other", true, found)).toMatchObject({ code: "worker_unavailable", retryable: true });
  });
});
