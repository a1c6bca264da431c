/** A sound with its waveform: plays, stops, seeks, and tells where it is as long as it plays. */
import type { Word } from "@parlance/contracts";
import { h, say } from "./dom.ts";
import { clock } from "./format.ts";
import { createWaveform, decodeSound } from "./waveform.ts";

export interface Player {
  element: HTMLElement;
  load(sound: Blob): Promise<void>;
  /** What is said in it. */
  tell(words: readonly Word[]): void;
  playFrom(seconds: number): void;
}

export function createPlayer(signal: AbortSignal, onTime: (seconds: number) => void = () => undefined): Player {
  const audio = h("audio", { preload: "auto" });
  const button = h("button", { type: "button", onclick: toggle }, "Play");
  const time = h("span", { class: "faint number" });
  const wave = createWaveform("Position in the recording", playFrom, signal);
  const element = h("div", { class: "stack" }, wave.element, h("div", { class: "transport" }, button, time));
  let url = "";
  let seconds = 0;

  function toggle(): void {
    if (audio.paused) void play();
    else audio.pause();
  }

  async function play(): Promise<void> {
    // A browser may refuse to play, or be stopped before it began.
    await audio.play().catch(() => undefined);
    tick();
  }

  function playFrom(from: number): void {
    audio.currentTime = from;
    void play();
  }

  function show(): void {
    wave.place(audio.currentTime);
    if (audio.error === null) say(time, `${clock(audio.currentTime)} / ${clock(seconds)}`);
    say(button, audio.paused ? "Play" : "Pause");
    onTime(audio.paused && audio.currentTime === 0 ? -1 : audio.currentTime);
  }

  function tick(): void {
    show();
    if (!audio.paused && !signal.aborted) requestAnimationFrame(tick);
  }

  for (const name of ["pause", "seeked", "loadedmetadata"]) audio.addEventListener(name, show);
  signal.addEventListener("abort", () => {
    audio.pause();
    URL.revokeObjectURL(url);
  });

  audio.addEventListener("error", () => {
    button.disabled = true;
    say(time, "This browser cannot play it.");
  });

  return {
    element,
    playFrom,
    tell: wave.tell,
    async load(sound) {
      URL.revokeObjectURL(url);
      url = URL.createObjectURL(sound);
      audio.src = url;
      const decoded = await decodeSound(sound);
      seconds = decoded?.seconds ?? (Number.isFinite(audio.duration) ? audio.duration : 0);
      wave.show(decoded?.samples ?? new Float32Array(0), seconds);
      show();
    },
  };
}
