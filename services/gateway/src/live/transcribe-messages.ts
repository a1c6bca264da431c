/** What a session tells, as `/ws/transcribe` words it. Times are seconds from the session's first sample. */
import { SpeechError, type Word } from "@parlance/contracts";
import type { Socket } from "../sockets/index.ts";
import type { LiveEvents } from "./live-session.ts";

export interface TranscribeMessagesOptions {
  socket: Pick<Socket, "send" | "sendLatest">;
  /** Whether finals have their words. */
  words: boolean;
  /** The first utterance that is told. */
  from: number;
  /** After `done`. */
  ended: (error: SpeechError | undefined) => void;
}

export function transcribeMessages(options: TranscribeMessagesOptions): LiveEvents {
  const { socket, words } = options;
  /** The first utterance that is not final: what is said of those before comes late. */
  let next = options.from;
  /** What was told as stable of the utterance that is spoken. */
  let told = { utterance: -1, stable: "" };

  return {
    partial({ itemId, stable, tail, start, end, language }) {
      const utterance = Number(itemId);
      if (utterance < next) return;
      if (utterance !== told.utterance) told = { utterance, stable: "" };
      const text = stable + tail;
      // Another instance of ingest that goes on with the session begins anew: what is stable stays, whatever it hears.
      if (!text.startsWith(told.stable)) return;
      if (stable.length > told.stable.length) told = { utterance, stable };
      socket.sendLatest({
        ...{ type: "partial", utterance, text, stable: [...told.stable].length },
        ...{ start: seconds(start), end: seconds(end) },
        ...(language === "" ? {} : { language }),
      });
    },
    state(state) {
      switch (state.type) {
        case "speech_started":
          socket.send({ type: state.type, utterance: Number(state.itemId), start: seconds(state.start) });
          break;
        case "speech_stopped":
        case "dropped":
          socket.send({
            ...{ type: state.type, utterance: Number(state.itemId) },
            ...{ start: seconds(state.start), end: seconds(state.end) },
            ...(state.type === "dropped" ? {} : { cause: state.cause }),
          });
          break;
        case "delayed":
          socket.send({ type: state.type, seconds: seconds(state.seconds) });
          break;
        case "gap":
          socket.send({ type: state.type, start: seconds(state.start), end: seconds(state.end) });
          break;
        case "refused":
          socket.send({ type: "error", ...state.error });
          break;
        default:
          break;
      }
    },
    final({ itemId, start, end, transcript, failure }) {
      const utterance = Number(itemId);
      next = utterance + 1;
      if (failure !== undefined) {
        socket.send({ type: "error", ...failure, utterance, start: seconds(start), end: seconds(end) });
        return;
      }
      const { text, language, timestamps = [] } = transcript;
      socket.send({
        ...{ type: "final", utterance, text, start: seconds(start), end: seconds(end), language },
        ...(words ? { words: timestamps.map((word) => inSession(word, start)) } : {}),
      });
    },
    ended({ seconds: length, utterances, error }) {
      if (error !== undefined) socket.send({ type: "error", ...error });
      socket.send({ type: "done", seconds: seconds(length), utterances });
      options.ended(error && new SpeechError(error.code, error.message));
    },
  };
}

/** A word of an utterance, in its session's time. */
export function inSession(word: Word, start: number): Word {
  return { ...word, start: seconds(word.start + start), end: seconds(word.end + start) };
}

/** To the millisecond. */
export function seconds(exact: number): number {
  return Math.round(exact * 1_000) / 1_000;
}
