/** A text becomes sound. */
import { call, get } from "./api.ts";
import { alertOf, fill, h, say } from "./dom.ts";
import { saveButton, saveRow } from "./exports.ts";
import { bytes, duration } from "./format.ts";
import { createPlayer } from "./player.ts";
import { snippets, speakSnippets } from "./snippets.ts";

const MOST_CHARACTERS = 4_096;
const FIRST_TEXT = "Good evening, and welcome to the library.";

export function speakView(main: HTMLElement, signal: AbortSignal): void {
  const text = h("textarea", {
    class: "speak",
    maxlength: MOST_CHARACTERS,
    required: true,
    "aria-label": "Text to speak",
    spellcheck: "true",
  });
  text.value = FIRST_TEXT;
  const voice = h("select", {}, h("option", { value: "" }, "The model's own"));
  const speed = h("input", { type: "range", min: 0.5, max: 2, step: 0.05, value: 1 });
  const pace = h("span", { class: "number" }, "1×");
  const count = h("p", { class: "faint number" });
  const button = h("button", { class: "main" }, "Speak");
  const stage = h("div", { class: "stack" });
  const form = h(
    "form",
    { class: "stack" },
    text,
    count,
    h(
      "div",
      { class: "fields" },
      h("label", { class: "field" }, "Voice", voice),
      h("label", { class: "field" }, h("span", {}, "Pace ", pace), speed),
    ),
    h("div", { class: "row" }, button),
  );
  const showCount = () =>
    say(count, `${text.value.length.toLocaleString()} of ${MOST_CHARACTERS.toLocaleString()} characters`);
  let speaking = new AbortController();

  async function speak(until: AbortSignal): Promise<void> {
    const body = { input: text.value, voice: voice.value || "alloy", speed: Number(speed.value) };
    const began = performance.now();
    fill(stage, h("p", { class: "faint", role: "status" }, "It is being spoken…"));
    const response = await call("/v1/audio/speech", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...body, response_format: "wav" }),
      signal: until,
    });
    const sound = await response.blob();
    const seed = response.headers.get("Parlance-Seed");
    const player = createPlayer(until);
    const told = [
      `Spoken in ${duration((performance.now() - began) / 1_000)}`,
      bytes(sound.size),
      seed && `seed ${seed}`,
    ];
    fill(
      stage,
      player.element,
      h("p", { class: "faint", role: "status" }, told.filter(Boolean).join(", ")),
      saveRow([saveButton("speech.wav", () => sound)]),
      snippets(speakSnippets(body)),
    );
    await player.load(sound);
    player.playFrom(0);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    speaking.abort();
    speaking = new AbortController();
    const until = AbortSignal.any([signal, speaking.signal]);
    button.disabled = true;
    try {
      await speak(until);
    } catch (error) {
      if (!until.aborted) fill(stage, alertOf(error));
    } finally {
      button.disabled = false;
    }
  });
  text.addEventListener("input", showCount);
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  speed.addEventListener("input", () => say(pace, `${Number(speed.value)}×`));
  showCount();
  fill(main, h("div", { class: "stack" }, h("h1", {}, "What should be said?"), form, stage));
  void addVoices(voice, stage, signal);
}

async function addVoices(select: HTMLSelectElement, stage: HTMLElement, signal: AbortSignal): Promise<void> {
  try {
    const { voices } = await get("/v1/audio/voices", signal);
    const named = voices.map(({ id = "", name = id, default: own }) => h("option", { value: id, selected: own }, name));
    if (named.length > 0) fill(select, ...named);
  } catch (error) {
    if (!signal.aborted) fill(stage, alertOf(error));
  }
}
