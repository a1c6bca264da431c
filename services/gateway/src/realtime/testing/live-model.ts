/** A live session in a few lines, for tests: what it is called to do comes out as what would be told of it, when the test wants it. */
import type { LiveState } from "@parlance/contracts";
import type { LiveCall } from "../realtime-steps.ts";
import type { ScriptedSession } from "./scripted-session.ts";

type Told = (session: ScriptedSession) => unknown;

export interface LiveModel {
  /** What is told in its order: states and partial texts. */
  news: Told[];
  /** What is final, told in any order. */
  finals: Told[];
  /** Texts of utterances, by their ids, as they are in the end. */
  texts: Map<string, string>;
  take(call: LiveCall): void;
}

/** Utterances are cut at so many seconds. */
const LONGEST = 2;

/** Samples have a byte; speech is every one that is not 0. Each fifth text comes to be said otherwise. A silence of `silenceSeconds` ends an utterance, where silence does. */
export function createLiveModel(samplesPerSecond: number, silenceSeconds: number, dropsUnder: number): LiveModel {
  const texts = new Map<string, string>();
  const news: Told[] = [];
  const finals: Told[] = [];
  let detects = true;
  let at = 0;
  let next = 0;
  let start: number | undefined;
  let lastSpeech = 0;

  const tell = (state: Parameters<ScriptedSession["state"]>[0]) => news.push((session) => session.state(state));

  function stop(cause: Extract<LiveState, { type: "speech_stopped" }>["cause"]): void {
    if (start === undefined) return;
    const of = { itemId: `${next}`, start, end: at };
    start = undefined;
    if (cause === "silence" && lastSpeech - of.start < dropsUnder) {
      tell({ type: "dropped", ...of });
      return;
    }
    next += 1;
    tell({ type: "speech_stopped", ...of, cause });
    const text = `${of.itemId} ${next % 5 === 0 ? "was" : "is"} said`;
    texts.set(of.itemId, text);
    // Not before it is known where it stops.
    news.push(() => finals.push((session) => session.done(of.itemId, text, { seconds: of.end - of.start })));
  }

  function hear(audio: Uint8Array): void {
    const isSpeech = audio.some((byte) => byte !== 0);
    if (isSpeech && start === undefined) {
      start = at;
      tell({ type: "speech_started", itemId: `${next}`, start });
    }
    at += audio.length / samplesPerSecond;
    if (isSpeech) {
      lastSpeech = at;
      const [itemId, from] = [`${next}`, start ?? 0];
      news.push((session) => session.partial(itemId, `${itemId} is`, from));
    } else if (detects && start !== undefined && at - lastSpeech >= silenceSeconds) stop("silence");
    if (start !== undefined && at - start >= LONGEST) {
      stop("length");
      if (isSpeech) hear(new Uint8Array());
    }
  }

  /** Behind all that is final. */
  function ended(session: ScriptedSession): void {
    for (const final of finals.splice(0)) final(session);
    session.ended();
  }

  return {
    news,
    finals,
    texts,
    take(call) {
      if (call.do === "open" || call.do === "update") detects = call.options.turns === "detect";
      else if (call.do === "audio") hear(call.audio);
      else {
        stop(call.do);
        tell({ type: "heard", heard: at * samplesPerSecond, position: 0 });
        if (call.do === "close") news.push((session) => ended(session));
      }
    },
  };
}
