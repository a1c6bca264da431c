/** The paths of WebSockets. OpenAPI has no words for what is said on them: README.md has. */
import { liveHeaders, MAX_CONTEXT } from "@parlance/contracts";
import * as z from "zod";
import { onSessions } from "./met-errors.ts";
import { type Json, operation } from "./operation.ts";

export function socketPaths(): Json {
  return {
    "/ws/transcribe": {
      get: upgrade("transcribeLive", "A WebSocket: live audio in, texts out", [
        query("encoding", "`pcm` (16-bit, little-endian), `mulaw`, `alaw`, or `opus`: a packet a message", "string"),
        query("sample_rate", "8000 to 48000; default 16000, for `mulaw` and `alaw` 8000", "integer"),
        query("language", "By name or ISO code; default auto", "string"),
        query("timestamps", "Whether finals have their words", "boolean"),
        query("partials", "Whether texts are told while somebody speaks; default true", "boolean"),
        query("hotwords", "Words to prefer, separated by commas, or repeated", "string"),
        query("phrases", "When given, an utterance is the likeliest of these", "string"),
        query("context", `What the speech may be about, at most ${MAX_CONTEXT} characters`, "string"),
        ...[
          query("turns", "`detect`: a silence ends an utterance. `none`: Finalize does", "string"),
          setting("threshold", "Probability of speech above which somebody speaks; default LIVE_THRESHOLD"),
          setting("prefix_ms", "Of an utterance before its first speech; default LIVE_PREFIX_MS"),
          setting("silence_ms", "After which an utterance ends; default LIVE_SILENCE_MS"),
        ],
        query("custom_id", "The caller's own name for the session", "string"),
        query("resume", "Whether the session goes on without its socket, for LIVE_IDLE_TIMEOUT seconds", "boolean"),
        query("session", "The session to go on with, as `ready` named it", "string"),
        query("from", "The last utterance of it of which the caller has the final", "integer"),
        key,
      ]),
    },
    "/v1/listen": {
      get: upgrade("listen", "A WebSocket for clients of Deepgram's", [
        query("encoding", "`linear16`, `mulaw`, `alaw` or `opus`; required unless sample_rate is given", "string"),
        query("sample_rate", "8000 to 48000", "integer"),
        query("language", "By ISO code; `multi` or nothing: detected", "string"),
        query("interim_results", "Whether results that are not final are told", "boolean"),
        query("endpointing", "Milliseconds of silence (100 at least), or false: no result is speech_final", "string"),
        query("utterance_end_ms", "UtteranceEnd comes so long after the last word", "integer"),
        query("vad_events", "Whether SpeechStarted is told", "boolean"),
        query("keyterm", "A word to prefer; may be repeated", "string"),
        key,
      ]),
    },
  };
}

const key = query("token", "The API key, where no header can be set; `api_key` is the same", "string");

function query(name: string, description: string, type: string): Json {
  return { name, in: "query", description, schema: { type } };
}

function setting(name: "threshold" | "prefix_ms" | "silence_ms", description: string): Json {
  const field = {
    threshold: liveHeaders.threshold,
    prefix_ms: liveHeaders.prefixMs,
    silence_ms: liveHeaders.silenceMs,
  };
  const { $schema: _, ...schema } = z.toJSONSchema(field[name], { io: "output" });
  return { name, in: "query", description, schema };
}

function upgrade(operationId: string, summary: string, parameters: Json[]): Json {
  const { responses, ...parts } = operation(operationId, summary, { parameters, answer: {}, errors: onSessions });
  const { "200": _, ...refusals } = responses as Json;
  return { ...parts, responses: { "101": { description: "The socket is open" }, ...refusals } };
}
