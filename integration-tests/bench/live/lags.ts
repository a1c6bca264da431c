/** How long after a word's end its text is there, by what was told of a session and what is known of its speech. Pure. */
import type { SpokenSession } from "../../src/live-publisher.ts";
import type { KnownWord } from "../load/known-speech.ts";

/** `text`: a partial holds the word. `time`: it was heard up to the word's end, whatever it says; for models that say nothing. */
export type HeldBy = "text" | "time";

/** Milliseconds from each word's end to the first partial that holds it, or to the final where none does. Words of no utterance have none. */
export function partialLags(session: SpokenSession, words: readonly KnownWord[], by: HeldBy): number[] {
  return session.utterances.flatMap(({ itemId, start, end }) => {
    const said = words.filter((word) => start < word.end && word.end <= end);
    const shownAt: (number | undefined)[] = said.map(() => undefined);
    for (const { at, partial } of session.partials) {
      if (partial.itemId !== itemId) continue;
      const held = by === "text" ? heldWords(partial.stable + partial.tail, said) : heardWords(partial.end, said);
      for (const index of held) shownAt[index] ??= at;
    }
    const finalAt = session.finals.get(itemId)?.at;
    return said.flatMap((word, index) => {
      const at = shownAt[index] ?? finalAt;
      return at === undefined ? [] : [Math.max(0, at - spokenAt(session, word.end))];
    });
  });
}

/** Milliseconds from the end of an utterance's last word to its final, less the silence that had to pass, of those that ended in silence. */
export function finalLags(session: SpokenSession, words: readonly KnownWord[], silenceMs: number): number[] {
  return session.utterances.flatMap(({ itemId, start, end }) => {
    const bySilence = session.states.some(
      ({ state }) => state.type === "speech_stopped" && state.itemId === itemId && state.cause === "silence",
    );
    const last = words.findLast((word) => start < word.end && word.end <= end);
    const finalAt = session.finals.get(itemId)?.at;
    if (!bySilence || last === undefined || finalAt === undefined) return [];
    return [Math.max(0, finalAt - spokenAt(session, last.end) - silenceMs)];
  });
}

/** Milliseconds between two answers while somebody speaks: the longest of each utterance that was told to begin and to end. */
export function answerGaps(session: SpokenSession): number[] {
  return session.utterances.flatMap(({ itemId }) => {
    const toldAt = (type: "speech_started" | "speech_stopped") =>
      session.states.find(({ state }) => state.type === type && state.itemId === itemId)?.at;
    const began = toldAt("speech_started");
    const ended = toldAt("speech_stopped");
    if (began === undefined || ended === undefined) return [];
    const answers = session.partials.filter(({ partial }) => partial.itemId === itemId).map(({ at }) => at);
    const times = [began, ...answers.filter((at) => at < ended), ended];
    return [Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? at)))];
  });
}

function spokenAt({ beganAt }: SpokenSession, seconds: number): number {
  return beganAt + seconds * 1_000;
}

function heardWords(end: number, said: readonly KnownWord[]): number[] {
  return said.flatMap((word, index) => (word.end <= end ? [index] : []));
}

/** Which of the words a text holds: those of a longest common subsequence, the earliest where there is a choice. */
export function heldWords(text: string, said: readonly Pick<KnownWord, "text">[]): number[] {
  const shown = text.split(/\s+/).map(plain).filter(Boolean);
  const wanted = said.map((word) => plain(word.text));
  /** longest[i][j]: of what follows the i-th shown and the j-th wanted word. */
  const longest = Array.from({ length: shown.length + 1 }, () => new Array<number>(wanted.length + 1).fill(0));
  const at = (i: number, j: number) => longest[i]?.[j] ?? 0;
  for (let i = shown.length - 1; i >= 0; i -= 1) {
    for (let j = wanted.length - 1; j >= 0; j -= 1) {
      const row = longest[i];
      if (row !== undefined)
        row[j] = shown[i] === wanted[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const held: number[] = [];
  for (let i = 0, j = 0; i < shown.length && j < wanted.length; ) {
    if (shown[i] === wanted[j]) {
      held.push(j);
      i += 1;
      j += 1;
    } else if (at(i + 1, j) >= at(i, j + 1)) i += 1;
    else j += 1;
  }
  return held;
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[^\p{L}\p{N}']/gu, "");
}
