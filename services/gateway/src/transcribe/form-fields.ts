/** Form fields are text: what they mean, checked. */
import { contextFields, languageField, refuseDifferingTwins } from "@parlance/contracts";
import type { Context } from "koa";
import * as z from "zod";
import { noteUnknown } from "../http/warnings.ts";

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

/** An upload is its file alone. */
export const uploadFormSchema = z.object({});

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

/**
 * Picks a schema's fields out of a form. Fields that are lists in the schema keep every value. A line break comes as CR LF whatever
 * its sender wrote (the HTML standard's encoding of forms), and is a line feed again.
 */
export function readFields<Schema extends z.ZodObject>(
  ctx: Context,
  schema: Schema,
  fields: ReadonlyMap<string, readonly string[]>,
): z.output<Schema> {
  noteUnknown(
    ctx,
    [...fields.keys()].filter((name) => !Object.hasOwn(schema.shape, name)),
  );
  const raw: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(schema.shape)) {
    const values = (fields.get(name) ?? [])
      .filter((value) => value !== "")
      .map((value) => value.replaceAll("\r\n", "\n"));
    if (values.length > 0) raw[name] = takesList(field) ? values : values.at(-1);
  }
  return schema.parse(raw);
}

function takesList(field: unknown): boolean {
  const inner = field instanceof z.ZodOptional ? field.unwrap() : field;
  return inner instanceof z.ZodArray;
}
