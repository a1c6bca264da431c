/** A file or the microphone becomes words, which can be clicked and heard. */
import { get } from "./api.ts";
import { alertOf, fill, h, say } from "./dom.ts";
import { textExports } from "./exports.ts";
import { transcribeFile } from "./file-transcript.ts";
import { languageName } from "./format.ts";
import { liveView } from "./live-view.ts";
import { createPlayer } from "./player.ts";
import { liveSnippets, snippets, transcribeSnippets } from "./snippets.ts";
import { createWords } from "./words.ts";

const HEARING = " Click a word to hear it, or walk through them with the arrow keys.";

export function transcribeView(main: HTMLElement, signal: AbortSignal): void {
  const language = h("select", {}, h("option", { value: "auto" }, "Found by the model"));
  const context = h("input", { type: "text", maxlength: 2_000, placeholder: "Names, terms, what was said before" });
  const input = h("input", {
    type: "file",
    class: "hidden-input",
    "aria-label": "Recording",
    tabindex: -1,
    accept: "audio/*,video/webm,video/mp4,.opus,.ogg",
    id: "file",
  });
  const choose = h("button", { type: "button", class: "main", onclick: () => input.click() }, "Choose a file");
  const speak = h("button", { type: "button", onclick: () => begin(fromMicrophone) }, "Use the microphone");
  const stage = h("div", { class: "stack", "aria-live": "off" });
  const asks = h("p", {}, "Drop a recording here, choose one, or speak.");
  const drop = h(
    "section",
    { class: "drop", "aria-label": "Audio to transcribe" },
    asks,
    h("div", { class: "row" }, choose, input, speak),
  );
  let working = new AbortController();

  function begin(work: (signal: AbortSignal) => Promise<void>): void {
    working.abort();
    working = new AbortController();
    // What came of the last one is what is looked at from now on.
    drop.classList.add("small");
    say(asks, "Or drop another recording.");
    const both = AbortSignal.any([signal, working.signal]);
    work(both).catch((error: unknown) => {
      if (both.aborted) return;
      stage.querySelector(".caret")?.classList.remove("caret");
      stage.append(alertOf(error));
    });
  }

  async function fromFile(file: File, until: AbortSignal): Promise<void> {
    const words = createWords(({ start }) => player.playFrom(start));
    const player = createPlayer(until, words.follow);
    const told = h("p", { class: "faint", role: "status" }, `${file.name} is uploaded…`);
    const results = h("div", { class: "stack" });
    words.showGrowing("", "");
    fill(stage, player.element, words.element, told, results);
    void player.load(file);
    const began = performance.now();
    const heard = await transcribeFile(file, { language: language.value, context: context.value }, until, (text) => {
      told.textContent = "The words come as they are recognised.";
      words.showGrowing(text, "");
    });
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    if (heard.text === "") fill(words.element, h("p", { class: "soft" }, "Nothing was said in it."));
    else words.show(heard.text, heard.words);
    player.tell(heard.words);
    const how = `heard in ${seconds} s, ${languageName(heard.language) || "language unknown"}`;
    say(told, `${file.name}, ${how}.${heard.words.length > 0 ? HEARING : ""}`);
    fill(results, textExports({ name: file.name, ...heard }), snippets(transcribeSnippets(file.name, language.value)));
  }

  async function fromMicrophone(until: AbortSignal): Promise<void> {
    const {
      text,
      words: heard,
      recording,
      language: spoken,
    } = await liveView(stage, { language: language.value, context: context.value }, until);
    const words = createWords(({ start }) => player.playFrom(start));
    const player = createPlayer(until, words.follow);
    if (text === "") words.element.append(h("p", { class: "soft" }, "Nothing was said."));
    else words.show(text, heard);
    fill(
      stage,
      recording && player.element,
      words.element,
      h(
        "p",
        { class: "faint", role: "status" },
        `The session has ended.${recording && heard.length > 0 ? HEARING : ""}`,
      ),
      textExports({ name: "microphone", text, words: heard, language: spoken }, recording),
      snippets(liveSnippets()),
    );
    if (recording === undefined) return;
    player.tell(heard);
    await player.load(recording);
  }

  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    if (file !== undefined) begin((until) => fromFile(file, until));
    input.value = "";
  });
  // A file that misses the frame by a little would take the page away.
  document.addEventListener("dragover", onDrag, { signal });
  document.addEventListener("dragleave", () => drop.classList.remove("over"), { signal });
  document.addEventListener("drop", onDrop, { signal });

  function onDrag(event: DragEvent): void {
    event.preventDefault();
    drop.classList.add("over");
  }
  function onDrop(event: DragEvent): void {
    event.preventDefault();
    drop.classList.remove("over");
    const [file] = event.dataTransfer?.files ?? [];
    if (file !== undefined) begin((until) => fromFile(file, until));
  }

  fill(
    main,
    h(
      "div",
      { class: "stack" },
      h("h1", {}, "What was said?"),
      drop,
      h(
        "details",
        {},
        h("summary", {}, "Language and context"),
        h(
          "div",
          { class: "fields" },
          h("label", { class: "field" }, "Language", language),
          h("label", { class: "field" }, "What it is about", context),
        ),
      ),
      stage,
    ),
  );
  void addLanguages(language, signal);
}

async function addLanguages(select: HTMLSelectElement, signal: AbortSignal): Promise<void> {
  try {
    const { data } = await get("/v1/models", signal);
    const known = new Set(data.filter(({ family }) => family === "asr").flatMap(({ languages = [] }) => languages));
    select.append(...[...known].sort().map((name) => h("option", { value: name }, languageName(name))));
  } catch {
    // What keeps it from being known is said by the line under the head.
  }
}
