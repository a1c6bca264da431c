/** The JSON of a request, read as every body is: null counts as absent, and what has no meaning is told. Empty: an empty object. */
import { SpeechError, unknownFields, warningsOf, withoutNulls } from "@parlance/contracts";

interface BodySchema<Body> {
  parse(value: unknown): Body;
}

export interface ReadBody<Body> {
  body: Body;
  /** For the answer; nothing when there is nothing to tell. */
  told: { warnings?: string[] };
}

/** Throws `invalid_json` and `validation_failed`. */
export function readBody<Body>(
  schema: BodySchema<Body> & Parameters<typeof unknownFields>[0],
  data: Uint8Array,
): ReadBody<Body> {
  const raw = data.byteLength === 0 ? {} : withoutNulls(parseJson(data));
  const warnings = warningsOf(unknownFields(schema, raw));
  return { body: schema.parse(raw), told: warnings.length === 0 ? {} : { warnings } };
}

function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch (cause) {
    throw new SpeechError("invalid_json", undefined, { cause });
  }
}
