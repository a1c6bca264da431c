/** What one can do with a result: copy it, save it, and see how a program gets the same. */
import type { Word } from "@parlance/contracts";
import { cutCues, toSrt, toVtt } from "./cues.ts";
import { h, say } from "./dom.ts";

export interface HeardText {
  name: string;
  text: string;
  language: string;
  words: readonly Word[];
}

export function textExports(heard: HeardText, recording?: Blob): HTMLElement {
  const { name, text, language, words } = heard;
  const base = name.replace(/\.[^.]*$/, "") || "transcript";
  const cues = cutCues(words);
  const formats: [string, string, string][] = [
    ["txt", "text/plain", `${text}\n`],
    ...(cues.length === 0
      ? []
      : ([
          ["srt", "application/x-subrip", toSrt(cues)],
          ["vtt", "text/vtt", toVtt(cues)],
        ] satisfies [string, string, string][])),
    ["json", "application/json", `${JSON.stringify({ text, language, timestamps: words }, null, 2)}\n`],
  ];
  const files = formats.map(([ending, type, content]) =>
    saveButton(`${base}.${ending}`, () => new Blob([content], { type })),
  );
  if (recording !== undefined) files.push(saveButton(`${base}.wav`, () => recording));
  return h(
    "div",
    { class: "row wide" },
    copyButton("Copy", () => text),
    saveRow(files),
  );
}

export function saveRow(files: readonly HTMLElement[]): HTMLElement {
  return h("div", { class: "save", role: "group", "aria-label": "Save as" }, h("span", {}, "Save as"), ...files);
}

export function copyButton(label: string, text: () => string): HTMLButtonElement {
  const button = h("button", {
    type: "button",
    onclick: async () => {
      try {
        await navigator.clipboard.writeText(text());
        say(button, "Copied");
      } catch {
        say(button, "The browser does not allow it");
      }
      setTimeout(() => say(button, label), 1_500);
    },
  });
  button.append(label);
  return button;
}

export function saveButton(name: string, content: () => Blob): HTMLButtonElement {
  const ending = name.split(".").at(-1) ?? "";
  const onclick = () => {
    const url = URL.createObjectURL(content());
    h("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  return h("button", { type: "button", class: "link", "aria-label": `Save as ${ending}`, onclick }, ending);
}
