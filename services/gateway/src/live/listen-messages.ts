/** What a session tells, as Deepgram words it. Times are seconds from the session's first sample. */
import type { Transcript, UtteranceEnd, Word } from "@parlance/contracts";
import type { Socket } from "../sockets/index.ts";
import type { ListenQuery } from "./listen-query.ts";
import type { LiveEvents } from "./live-session.ts";
import { inSession, seconds } from "./transcribe-messages.ts";

export interface ListenMessagesOptions {
  socket: Pick<Socket, "send" | "sendLatest">;
  requestId: string;
  query: ListenQuery;
  ended: NonNullable<LiveEvents["ended"]>;
}

export interface ListenMessages {
  events: LiveEvents;
  /** The caller said Finalize here: samples at the session's own rate. Something is told for it, also where nothing was said. */
  finalized(position: number): void;
}

const CHANNEL = [0, 1];

export function listenMessages({ socket, requestId, query, ended }: ListenMessagesOptions): ListenMessages {
  const { format, interimResults, vadEvents, endpointing, utteranceEndMs } = query;
  const causes = new Map<string, UtteranceEnd>();
  /** Utterances that began, up to this number. */
  let begun = 0;
  /** The first one that is not final. */
  let next = 0;
  let speaking = false;
  let lastWordEnd: number | undefined;
  let finalizing: { position: number; heard: boolean } | undefined;
  let heard = 0;

  function results(
    said: { start: number; end: number; transcript: string; confidence: number; words: object[] },
    flags: { is_final: boolean; speech_final: boolean; from_finalize: boolean },
    model = "parlance",
  ) {
    const { start, end, ...alternative } = said;
    return {
      type: "Results",
      channel_index: CHANNEL,
      duration: seconds(end - start),
      start: seconds(start),
      ...flags,
      channel: { alternatives: [alternative] },
      metadata: { request_id: requestId, model_uuid: model, model_info: { name: model, version: "", arch: model } },
    };
  }

  /** Where Finalize found nothing that is not final, its answer is empty. */
  function answerFinalize(): void {
    if (finalizing === undefined || !finalizing.heard || next < begun) return;
    finalizing = undefined;
    const nothing = { start: heard, end: heard, transcript: "", confidence: 0, words: [] };
    socket.send(results(nothing, { is_final: true, speech_final: true, from_finalize: true }));
  }

  function tellUtteranceEnd(): void {
    if (utteranceEndMs === undefined || lastWordEnd === undefined || speaking || next < begun) return;
    if ((heard - lastWordEnd) * 1_000 < utteranceEndMs) return;
    socket.send({ type: "UtteranceEnd", channel: CHANNEL, last_word_end: seconds(lastWordEnd) });
    lastWordEnd = undefined;
  }

  const events: LiveEvents = {
    partial({ itemId, stable, tail, start, end }) {
      if (!interimResults || Number(itemId) < next) return;
      const said = { start, end, transcript: stable + tail, confidence: 0, words: [] };
      socket.sendLatest(results(said, { is_final: false, speech_final: false, from_finalize: false }));
    },
    state(state) {
      switch (state.type) {
        case "speech_started":
          begun = Math.max(begun, Number(state.itemId) + 1);
          speaking = true;
          if (vadEvents) socket.send({ type: "SpeechStarted", channel: CHANNEL, timestamp: seconds(state.start) });
          break;
        case "speech_stopped":
          begun = Math.max(begun, Number(state.itemId) + 1);
          speaking = false;
          causes.set(state.itemId, state.cause);
          break;
        case "dropped":
          // Its number goes to the next one.
          begun = Math.min(begun, Number(state.itemId));
          speaking = false;
          answerFinalize();
          break;
        case "heard":
          heard = state.heard / format.rate;
          if (finalizing !== undefined && state.heard >= finalizing.position) finalizing.heard = true;
          answerFinalize();
          tellUtteranceEnd();
          break;
        case "refused":
          socket.send(errorMessage(state.error.code, state.error.message));
          break;
        default:
          break;
      }
    },
    final({ itemId, start, end, done, transcript, failure }) {
      next = Number(itemId) + 1;
      begun = Math.max(begun, next);
      const cause = causes.get(itemId) ?? "silence";
      causes.delete(itemId);
      const fromFinalize = cause === "finalize";
      if (fromFinalize) finalizing = undefined;
      if (failure !== undefined) socket.send(errorMessage(failure.code, failure.message));
      else {
        const words = (transcript.timestamps ?? []).map((word) => wordOf(inSession(word, start)));
        lastWordEnd = words.at(-1)?.end ?? lastWordEnd;
        const said = { start, end, transcript: transcript.text, confidence: confidenceOf(transcript), words };
        const speechFinal = fromFinalize || cause === "close" || (cause === "silence" && endpointing);
        const flags = { is_final: true, speech_final: speechFinal, from_finalize: fromFinalize };
        socket.send(results(said, flags, done.model));
      }
      answerFinalize();
      tellUtteranceEnd();
    },
    ended,
  };

  return {
    events,
    finalized(position) {
      finalizing = { position, heard: false };
    },
  };
}

export function errorMessage(code: string, message: string): object {
  return { type: "Error", variant: code, description: message, message };
}

/** Deepgram's `word` is in lower case and without punctuation, `punctuated_word` as it stands in the text. */
function wordOf({ text, start, end, confidence = 0 }: Word) {
  const word = text.toLowerCase().replaceAll(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
  return { word: word || text, start, end, confidence, punctuated_word: text };
}

/** The mean of the words', or what the text's likelihood says; 0 where nothing is known. */
function confidenceOf({ timestamps = [], segments = [] }: Transcript): number {
  const known = timestamps.flatMap(({ confidence }) => (confidence === undefined ? [] : [confidence]));
  const likely = segments.map(({ avg_logprob }) => Math.min(1, Math.exp(avg_logprob)));
  const values = known.length > 0 ? known : likely;
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
