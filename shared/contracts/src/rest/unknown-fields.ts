/**
 * What a JSON body holds that nobody asked for. A field that is null counts as absent, because clients that are made of schemas write
 * every field that they know. A field that has no meaning is no error, so that callers of other versions get their work done; it
 * is told by its name, because it may be a misspelt one. The same on every way in: REST, forms, JSON and headers over NATS.
 */
import * as z from "zod";

const MOST_TOLD = 16;
const LONGEST_TOLD = 96;

/** A copy in which fields that are null are left out, at any depth. What a list holds stays. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => (inner === null ? [] : [[name, withoutNulls(inner)]])),
  );
}

/** Paths of the fields that the schema does not name: `items.3.langauge`. */
export function unknownFields(schema: z.core.$ZodType, value: unknown, path = ""): string[] {
  const known = unwrap(schema);
  if (known instanceof z.ZodArray && Array.isArray(value)) {
    return value.flatMap((item, index) => unknownFields(known.element, item, `${path}${index}.`));
  }
  if (!(known instanceof z.ZodObject) || typeof value !== "object" || value === null) return [];
  const { shape } = known;
  return Object.entries(value).flatMap(([name, inner]) => {
    const field = Object.hasOwn(shape, name) ? shape[name] : undefined;
    return field === undefined ? [`${path}${name}`] : unknownFields(field, inner, `${path}${name}.`);
  });
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodNullable) {
    return unwrap(schema.unwrap());
  }
  return schema instanceof z.ZodPipe ? unwrap(schema.in) : schema;
}

/** The sentences of an answer's `warnings`; none for no fields. */
export function warningsOf(fields: readonly string[]): string[] {
  const told = fields.slice(0, MOST_TOLD).map((field) => `${fitToTell(field)}: is not known here and was ignored`);
  const more = fields.length - told.length;
  return more > 0 ? [...told, `and ${more} more fields that are not known here`] : told;
}

/** The name is the caller's: it may be long, and hold anything. */
function fitToTell(field: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this takes out
  return field.replaceAll(/[\u0000-\u001f\u007f]/g, "").slice(0, LONGEST_TOLD);
}
