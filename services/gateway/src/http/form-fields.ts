/** Form fields are text: a schema's fields are picked out of them. */
import type { Context } from "koa";
import * as z from "zod";
import { noteUnknown } from "./warnings.ts";

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
  const read = schema.safeParse(raw);
  if (read.success) return read.data;
  // A form's lists are fields of one name: which of its values is wrong, the sentence tells.
  throw new z.ZodError(
    read.error.issues.map((issue) => ({ ...issue, path: issue.path.filter((part) => typeof part !== "number") })),
  );
}

function takesList(field: unknown): boolean {
  const inner = field instanceof z.ZodOptional ? field.unwrap() : field;
  return inner instanceof z.ZodArray;
}
