/** The part of a manifest that is its architecture's or its family's own. */
import { type Manifest, SpeechError } from "@parlance/contracts";
import type * as z from "zod";

/** Throws a SpeechError that names the field which is not what it should be. @param setting the one that says which model it is */
export function readSection<Schema extends z.ZodType>(
  manifest: Manifest,
  section: string,
  schema: Schema,
  setting: string,
): z.output<Schema> {
  const parsed = schema.safeParse(Object.entries(manifest).find(([key]) => key === section)?.[1]);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = [section, ...(issue?.path ?? [])].map(String).join(".");
  const message = `manifest of ${manifest.name}: ${field}: ${issue?.message ?? "is not valid"}`;
  throw new SpeechError("validation_failed", message, { cause: parsed.error, param: setting });
}
