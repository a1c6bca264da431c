/** What clients say beside their audio: `{"type":"KeepAlive"}`, `Finalize` and `CloseStream`, in whatever case they are used to. */
import { SpeechError } from "@parlance/contracts";
import * as z from "zod";

export type Control = "keepalive" | "finalize" | "closestream";

const controlSchema = z.object({
  type: z
    .string()
    .transform((type) => type.toLowerCase().replaceAll(/[^a-z]/g, ""))
    .pipe(z.enum(["keepalive", "finalize", "closestream"], "must be KeepAlive, Finalize or CloseStream")),
});

/** Throws `invalid_json` and `validation_failed`. */
export function parseControl(text: string): Control {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch (error) {
    throw new SpeechError("invalid_json", "The message is not valid JSON.", { cause: error });
  }
  return controlSchema.parse(message).type;
}
