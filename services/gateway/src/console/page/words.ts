/** A transcript whose words can be clicked, walked through with the arrow keys, and followed while the sound plays. */
import type { Word } from "@parlance/contracts";
import { fill, h } from "./dom.ts";
import { clock } from "./format.ts";

/** Below this a word is tinted. */
const DOUBT = 0.5;
/** A player that is sent to a moment may stop just before it. */
const SLACK_SECONDS = 0.02;

export interface WordsText {
  element: HTMLElement;
  /** A text with the times of its words; without words it is a text. */
  show(text: string, words: readonly Word[]): void;
  /** What is certain, and what may still change. */
  showGrowing(stable: string, tail: string): void;
  /** Marks the word that is said at a moment. */
  follow(seconds: number): void;
}

export function createWords(onWord: (word: Word) => void): WordsText {
  const element = h("div", { class: "words", onclick: pick, onkeydown: walk });
  let spans: HTMLElement[] = [];
  let known: readonly Word[] = [];
  let marked: HTMLElement | undefined;

  function wordAt(target: EventTarget | null): { word: Word; index: number } | undefined {
    const span = target instanceof HTMLElement ? target.closest<HTMLElement>(".word") : null;
    const index = span === null ? -1 : spans.indexOf(span);
    const word = known[index];
    return word && { word, index };
  }

  function pick(event: Event): void {
    const found = wordAt(event.target);
    if (found === undefined) return;
    reach(found.index);
    onWord(found.word);
  }

  function reach(index: number): void {
    const span = spans[index];
    if (span === undefined) return;
    for (const other of element.querySelectorAll(".word[tabindex='0']")) other.setAttribute("tabindex", "-1");
    span.setAttribute("tabindex", "0");
    span.focus();
  }

  function walk(event: Event): void {
    if (!(event instanceof KeyboardEvent)) return;
    const found = wordAt(event.target);
    if (found === undefined) return;
    if (event.key === "Enter" || event.key === " ") onWord(found.word);
    else if (event.key === "ArrowRight") reach(found.index + 1);
    else if (event.key === "ArrowLeft") reach(found.index - 1);
    else return;
    event.preventDefault();
  }

  return {
    element,
    show(text, words) {
      known = words;
      const parts = alignWords(text, words);
      spans = [];
      const nodes = parts.map((part): Node | string => {
        if (part.word === undefined) return part.text;
        const { confidence, start } = part.word;
        const doubtful = confidence !== undefined && confidence < DOUBT;
        const sure = confidence === undefined ? "" : `, ${Math.round(confidence * 100)} % sure`;
        const span = h(
          "span",
          {
            ...{ class: doubtful ? "word doubtful" : "word", role: "button" },
            ...{ tabindex: spans.length === 0 ? 0 : -1, title: `${clock(start)}${sure}` },
          },
          part.text,
        );
        spans.push(span);
        return span;
      });
      fill(element, h("p", {}, ...nodes));
    },
    showGrowing(stable, tail) {
      known = [];
      spans = [];
      fill(element, h("p", { class: "caret" }, stable, tail !== "" && h("span", { class: "tail" }, tail)));
    },
    follow(seconds) {
      const index = known.findLastIndex(({ start }) => start <= seconds + SLACK_SECONDS);
      const word = known[index];
      const span = word !== undefined && seconds < word.end + 0.1 ? spans[index] : undefined;
      if (span === marked) return;
      marked?.classList.remove("now");
      span?.classList.add("now");
      marked = span;
    },
  };
}

/** The text in its own spelling, cut where its words are. Words that are not found in it make up the text themselves. */
export function alignWords(text: string, words: readonly Word[]): { text: string; word?: Word }[] {
  const parts: { text: string; word?: Word }[] = [];
  let at = 0;
  for (const word of words) {
    const said = word.text.trim();
    const found = said === "" ? -1 : text.indexOf(said, at);
    if (found === -1)
      return words.flatMap((each, index) => [{ text: index === 0 ? "" : " " }, { text: each.text.trim(), word: each }]);
    if (found > at) parts.push({ text: text.slice(at, found) });
    parts.push({ text: said, word });
    at = found + said.length;
  }
  if (at < text.length) parts.push({ text: text.slice(at) });
  return parts;
}
