/** What the pipeline says of an item, by the names that a caller of OpenAI's endpoints has for its fields. */
import { SpeechError, toSpeechError } from "@parlance/contracts";

/** The field of a job → the field of the form, where they differ. */
const formNames: ReadonlyMap<string, string> = new Map([
  ["translate", "model"],
  ["logprobs", "include"],
  ["ref_audio", "file"],
]);

export function inOpenaiNames(error: unknown): SpeechError {
  const known = toSpeechError(error);
  const { code, message } = known;
  const field = known.param?.replace(/^items\.0\./, "");
  const param =
    field === undefined ? (code.startsWith("audio_") ? "file" : undefined) : (formNames.get(field) ?? field);
  if (param === undefined || param === known.param) return known;
  const own = known.param !== undefined && message.startsWith(`${known.param}: `);
  const told = own ? `${param}${message.slice(known.param?.length)}` : message;
  const { retryable, retryAfterSeconds } = known;
  return new SpeechError(code, told, { param, retryable, retryAfterSeconds, cause: error });
}
