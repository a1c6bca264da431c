/**
 * The HTTP status of an error where OpenAI's clients ask. They know a request that can never succeed as 400, whatever is wrong with
 * its fields or its audio; Parlance's own endpoints tell these apart by 422, 415 and 413.
 */
import type { SpeechError } from "@parlance/contracts";

export function statusOf(path: string, { code, status }: Pick<SpeechError, "code" | "status">): number {
  if (!/^\/v1\/(audio|realtime)\//.test(path)) return status;
  return status === 422 || code === "audio_unsupported" || code === "audio_too_long" ? 400 : status;
}
