/** The parts of an operation as OpenAPI writes them. */
import { type ErrorCode, errorTable } from "@parlance/contracts";
import { everywhere } from "./met-errors.ts";
import type { requests, responses } from "./schemas.ts";

export type Json = Record<string, unknown>;
export type SchemaName = keyof typeof requests | keyof typeof responses;

export interface OperationParts {
  parameters?: Json[];
  body?: Json;
  answer: Json;
  errors: ErrorCode[];
  /** Default: the error table's. */
  statusOf?: (code: ErrorCode) => number;
}

export const audioFile: Json = {
  type: "string",
  format: "binary",
  description: "WAV, FLAC, MP3, Ogg, Opus, WebM or M4A",
};

export function operation(
  operationId: string,
  summary: string,
  { parameters, body, answer, errors, statusOf = (code) => errorTable[code].status }: OperationParts,
): Json {
  return {
    operationId,
    summary,
    ...(parameters === undefined ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: { required: true, content: body } }),
    responses: {
      "200": { description: summary, content: answer },
      ...errorResponses([...everywhere, ...errors], statusOf),
    },
  };
}

/** One response for each status, which names the codes that come with it. */
function errorResponses(codes: readonly ErrorCode[], statusOf: (code: ErrorCode) => number): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const status = statusOf(code);
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const entries = [...byStatus].sort(([a], [b]) => a - b);
  return Object.fromEntries(
    entries.map(([status, known]) => [
      String(status),
      {
        description: known.map((code) => `\`${code}\`: ${errorTable[code].sentence}`).join("\n\n"),
        ...(known.some((code) => errorTable[code].retryable)
          ? { headers: { "Retry-After": { description: "Seconds", schema: { type: "integer" } } } }
          : {}),
        content: json("ErrorBody"),
      },
    ]),
  );
}

export function json(name: SchemaName, ...others: SchemaName[]): Json {
  const schema = others.length === 0 ? reference(name) : { anyOf: [name, ...others].map(reference) };
  return { "application/json": { schema } };
}

export function form(files: Json, required: string[], fields?: keyof typeof requests): Json {
  const own = { type: "object", required, properties: files };
  return {
    "multipart/form-data": { schema: fields === undefined ? own : { allOf: [own, reference(fields)] } },
  };
}

export function listOf(field: string, properties: Json): Json {
  const items = { type: "object", properties };
  const schema = { type: "object", required: [field], properties: { [field]: { type: "array", items } } };
  return { "application/json": { schema } };
}

function reference(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

export function path(name: string, description: string): Json {
  return { name, in: "path", required: true, description, schema: { type: "string" } };
}
