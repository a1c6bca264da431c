/** The forms that carry audio to transcribe: what their fields mean, checked. An empty field is one that was not filled in. */
import { contextFields, languageField, refuseDifferingTwins } from "@parlance/contracts";
import * as z from "zod";
import { formFlag } from "../http/form-flag.ts";

export const transcribeFields = {
  language: languageField,
  return_timestamps: formFlag.default(false).describe("Whether word times are wanted"),
  ...contextFields,
};

export const transcribeFormSchema = z.object(transcribeFields).superRefine(refuseDifferingTwins);
