/** The forms that carry audio to transcribe: what their fields mean, checked. */
import { contextFields, languageField, refuseDifferingTwins } from "@parlance/contracts";
import * as z from "zod";

const formFlag = z
  .string()
  .toLowerCase()
  .pipe(z.enum(["true", "false", "1", "0", "yes", "no", "on", "off"]))
  .transform((text) => text === "true" || text === "1" || text === "yes" || text === "on");

/** An empty field is one that was not filled in. */
const transcribeFields = {
  language: languageField,
  return_timestamps: formFlag.default(false).describe("Whether word times are wanted"),
  ...contextFields,
};

export const transcribeFormSchema = z.object(transcribeFields).superRefine(refuseDifferingTwins);

export const openaiFormSchema = z
  .object({
    ...transcribeFields,
    model: z.string().max(256).optional().describe("Accepted and ignored: the loaded model answers"),
    temperature: z.coerce.number().min(0).max(1).optional().describe("Accepted and ignored: decoding is deterministic"),
    response_format: z.enum(["json", "text", "verbose_json"]).default("json"),
    timestamp_granularities: z
      .array(z.enum(["word"], "must be word: segment times are not available"))
      .optional()
      .describe("With verbose_json only"),
    stream: formFlag
      .refine((wanted) => !wanted, "must be false: streaming is not available")
      .optional()
      .describe("Must be false"),
  })
  .superRefine(refuseDifferingTwins);
