/**
 * Sessions as OpenAI's realtime interface wrote them before it was final: one flat object, updated by `transcription_session.update`.
 * Some clients still write them so. Pure.
 */
import * as z from "zod";
import {
  detectionOf,
  type RealtimeFormat,
  type SessionConfig,
  type SessionUpdate,
  sessionUpdateSchema,
} from "./session-config.ts";

const formats = { pcm16: "audio/pcm", g711_ulaw: "audio/pcmu", g711_alaw: "audio/pcma" } as const;
const olderName: Record<RealtimeFormat, keyof typeof formats> = {
  "audio/pcm": "pcm16",
  "audio/pcmu": "g711_ulaw",
  "audio/pcma": "g711_alaw",
};

/** What the fields hold is checked where they stand now. */
export const olderSessionSchema = z.looseObject({
  input_audio_format: z.enum(["pcm16", "g711_ulaw", "g711_alaw"]).nullish(),
  input_audio_transcription: z.unknown().optional(),
  input_audio_noise_reduction: z.unknown().optional(),
  turn_detection: z.unknown().optional(),
  include: z.unknown().optional(),
});
export type OlderSession = z.output<typeof olderSessionSchema>;

/** Throws a ZodError, whose paths are those of today's session. */
export function fromOlder(older: OlderSession): SessionUpdate {
  const format = older.input_audio_format;
  return sessionUpdateSchema.parse({
    audio: {
      input: {
        ...(format ? { format: { type: formats[format] } } : {}),
        transcription: older.input_audio_transcription,
        noise_reduction: older.input_audio_noise_reduction,
        turn_detection: older.turn_detection,
      },
    },
    include: older.include,
  });
}

export function shownOlder(config: SessionConfig) {
  return {
    input_audio_format: olderName[config.format.type],
    input_audio_transcription: config.transcription,
    input_audio_noise_reduction: config.noise_reduction,
    turn_detection: detectionOf(config),
    include: config.include,
  };
}
