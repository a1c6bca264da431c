/** A file's transcript, told while it comes. */
import type { Word } from "@parlance/contracts";
import { readEvents } from "./event-stream.ts";

type Told =
  | { type: "transcript.text.delta"; delta: string }
  | { type: "transcript.text.done"; text: string; language?: string; timestamps?: Word[] }
  | { error: { message: string } };

export interface Heard {
  text: string;
  language: string;
  words: Word[];
}

export async function transcribeFile(
  file: File,
  wishes: { language: string; context: string },
  signal: AbortSignal,
  onText: (text: string) => void,
): Promise<Heard> {
  const body = new FormData();
  body.append("language", wishes.language);
  body.append("return_timestamps", "true");
  if (wishes.context !== "") body.append("context", wishes.context);
  body.append("file", file, file.name);
  let text = "";
  const events = readEvents<Told>("/v1/audio/transcriptions/stream", { method: "POST", body, signal });
  for await (const event of events) {
    if (!("type" in event)) throw new Error(event.error.message);
    if (event.type === "transcript.text.delta") {
      text += event.delta;
      onText(text);
    } else return { text: event.text, language: event.language ?? "", words: event.timestamps ?? [] };
  }
  throw new Error("The transcript broke off before its end. Try again.");
}
