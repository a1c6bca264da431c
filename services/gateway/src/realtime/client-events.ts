/** What a client says on its socket, one JSON text an event. Pure. */
import * as z from "zod";
import { fromOlder, olderSessionSchema } from "./older-session.ts";
import { type Problem, problemOf, problems } from "./realtime-errors.ts";
import { type SessionUpdate, sessionUpdateSchema } from "./session-config.ts";

export type ClientEvent =
  /** `older`: it is answered in the words that it was written in. */
  | { type: "update"; session: SessionUpdate; older: boolean }
  | { type: "append"; audio: Buffer }
  | { type: "commit" }
  | { type: "clear" };

export interface ReadEvent {
  /** As its client calls it. */
  eventId: string | null;
  event?: ClientEvent;
  problem?: Problem;
}

const eventSchema = z.looseObject({
  type: z.string().optional().catch(undefined),
  event_id: z.string().max(512).nullish().catch(undefined),
});

export function readClientEvent(text: string): ReadEvent {
  const parsed = eventSchema.safeParse(jsonOf(text));
  if (!parsed.success) return { eventId: null, problem: problems.notJson };
  const { type, event_id: eventId = null, ...fields } = parsed.data;
  if (type === undefined) return { eventId, problem: problems.noType };
  try {
    return { eventId, ...read(type, fields) };
  } catch (error) {
    return { eventId, problem: problemOf(error, type.endsWith("session.update") ? "session." : "") };
  }
}

function read(type: string, fields: Record<string, unknown>): Omit<ReadEvent, "eventId"> {
  switch (type) {
    case "input_audio_buffer.append":
      return readAudio(fields.audio);
    case "input_audio_buffer.commit":
      return { event: { type: "commit" } };
    case "input_audio_buffer.clear":
      return { event: { type: "clear" } };
    case "session.update":
      return readUpdate(fields.session);
    case "transcription_session.update": {
      const session = fromOlder(olderSessionSchema.parse(fields.session ?? {}));
      return { event: { type: "update", session, older: true } };
    }
  }
  const talks = /^(response|conversation|output_audio_buffer)\./.test(type);
  return { problem: talks ? problems.conversation(type, "type") : problems.unknownType(type) };
}

function readUpdate(session: unknown): Omit<ReadEvent, "eventId"> {
  const { type } = z.looseObject({ type: z.unknown().optional() }).catch({}).parse(session);
  if (type === "realtime") return { problem: problems.conversation("A session of type realtime", "session.type") };
  return { event: { type: "update", session: sessionUpdateSchema.parse(session), older: false } };
}

function readAudio(audio: unknown): Omit<ReadEvent, "eventId"> {
  if (typeof audio !== "string") return { problem: problems.audioMissing };
  if (audio.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(audio)) return { problem: problems.notBase64 };
  return { event: { type: "append", audio: Buffer.from(audio, "base64") } };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
