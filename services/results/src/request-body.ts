/** The JSON of a request; an empty payload is an empty object. Throws `invalid_json`. */
import { SpeechError } from "@parlance/contracts";

export function readBody(data: Uint8Array): unknown {
  if (data.byteLength === 0) return {};
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch (cause) {
    throw new SpeechError("invalid_json", undefined, { cause });
  }
}
