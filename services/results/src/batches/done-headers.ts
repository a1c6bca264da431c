/** The headers of a done event. Its subject says that the item is done: headers that cannot be read never hold up its batch. */
import type { MessageHeaders } from "@parlance/bus";
import { type DoneHeaders, doneHeadersSchema, readHeaders, SpeechError } from "@parlance/contracts";

export function readDoneHeaders(headers: MessageHeaders): DoneHeaders {
  try {
    return readHeaders(doneHeadersSchema, headers);
  } catch {
    const { code, message } = new SpeechError("internal", "The item's done event could not be read.");
    return { status: "error", errorCode: code, error: message };
  }
}
