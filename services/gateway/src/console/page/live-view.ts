/** While somebody speaks: settled words dark, the rest grey, and how far behind the words are. */
import type { Word } from "@parlance/contracts";
import { fill, h, say } from "./dom.ts";
import { duration } from "./format.ts";
import { type LiveSession, startLive } from "./live-session.ts";
import { createLiveStrip } from "./live-strip.ts";
import { createRecording } from "./recording.ts";
import { createWords } from "./words.ts";

export interface LiveResult {
  text: string;
  language: string;
  words: Word[];
  recording: Blob | undefined;
}

/** Resolves when the session has ended. */
export async function liveView(
  stage: HTMLElement,
  wishes: { language: string; context: string },
  signal: AbortSignal,
): Promise<LiveResult> {
  const recording = createRecording();
  const strip = createLiveStrip(signal);
  const words = createWords(() => undefined);
  const [length, behind, state] = [h("b", {}, "0.0 s"), h("b", {}, "–"), h("b", {}, "Opening the microphone")];
  const stop = h("button", { type: "button", class: "main" }, "Stop");
  const all: Word[] = [];
  let settled = "";
  let language = "";
  let speaking = false;
  // Frames come before the session is there.
  let opened: LiveSession | undefined;
  fill(
    stage,
    strip.element,
    h(
      "div",
      { class: "row spread" },
      stop,
      h(
        "div",
        { class: "meters" },
        h("span", {}, state),
        h("span", {}, length, " spoken"),
        h("span", {}, behind, " behind"),
      ),
    ),
    words.element,
  );
  words.showGrowing("", "");

  const wanted = Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== ""));
  const session = await startLive(
    wanted,
    {
      frame(samples) {
        recording.add(samples);
        strip.add(samples);
        if (opened !== undefined) say(length, secondsOf(opened.sent));
      },
      partial(text, stable, heard) {
        const letters = [...text];
        const sure = letters.slice(0, stable).join("");
        words.showGrowing(joined(settled, sure), joinedTail(settled + sure, letters.slice(stable).join("")));
        if (speaking) say(behind, secondsOf(Math.max(0, (opened?.sent ?? heard) - heard)));
      },
      final(text, heard, spoken) {
        settled = joined(settled, text);
        language = spoken || language;
        all.push(...heard);
        words.showGrowing(settled, "");
      },
      speaking(speaks) {
        speaking = speaks;
        say(state, speaks ? "Hearing speech" : "Silence");
        if (!speaks) say(behind, "–");
      },
      delayed(seconds) {
        say(state, "The model is busy");
        say(behind, secondsOf(seconds));
      },
    },
    signal,
  ).catch((error: unknown) => {
    // What is said of it stands alone.
    fill(stage);
    throw error;
  });
  opened = session;
  say(state, "Listening");
  stop.focus();
  stop.addEventListener("click", () => {
    stop.disabled = true;
    say(state, "The last words are recognised");
    session.finish();
  });
  await session.ended;
  return { text: settled, language, words: all, recording: recording.wav() };
}

/** With a tenth, which goes by while one looks at it. */
function secondsOf(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(1)} s` : duration(seconds);
}

function joined(text: string, more: string): string {
  return text === "" || more === "" ? text + more : `${text} ${more}`;
}

/** Between what is settled and the first words of the next utterance stands a space, unless they go on in a word. */
function joinedTail(before: string, tail: string): string {
  return before === "" || tail === "" || /^\s/.test(tail) || !/[.!?]$/.test(before) ? tail : ` ${tail}`;
}
