/**
 * `chunking_strategy`, as OpenAI's clients write it: `auto`, an object as JSON text, or fields with the object's keys in brackets.
 * Audio is always cut at its quietest points, which is what `auto` means; the numbers of `server_vad` are checked and change nothing.
 */
import * as z from "zod";

const NAME = "chunking_strategy";

const strategySchema = z.union([
  z.literal("auto"),
  z.object({ type: z.literal("auto") }),
  z.object({
    type: z.literal("server_vad"),
    threshold: z.number().min(0).max(1).default(0.5),
    prefix_padding_ms: z.number().int().min(0).default(300),
    silence_duration_ms: z.number().int().min(0).default(200),
  }),
]);

const vadSchema = strategySchema.options[2];

export const chunkingStrategyField = z
  .string()
  .transform((text, context): z.output<typeof strategySchema> => {
    const value = parsed(text);
    const known = strategySchema.safeParse(value);
    if (known.success) return known.data;
    const issues = isObject(value) ? (vadSchema.safeParse(value).error?.issues ?? []) : [];
    for (const { path, message } of issues) context.addIssue({ code: "custom", path, message });
    if (issues.length === 0) {
      context.addIssue({
        code: "custom",
        message: 'must be auto, or an object as {"type":"server_vad","threshold":0.5}',
      });
    }
    return z.NEVER;
  })
  .describe(
    "auto, or an object of type server_vad with threshold, prefix_padding_ms and silence_duration_ms, as JSON or in fields chunking_strategy[type] and so on. Audio is always cut at its quietest points, as auto says",
  );

/** The form with `chunking_strategy[type]`, `chunking_strategy[threshold]` and so on as one field of JSON text. */
export function gatherStrategy(fields: ReadonlyMap<string, readonly string[]>): Map<string, readonly string[]> {
  const gathered = new Map<string, readonly string[]>();
  const strategy: Record<string, unknown> = {};
  for (const [name, values] of fields) {
    const key = /^chunking_strategy\[(\w+)\]$/.exec(name)?.[1];
    const value = values.at(-1) ?? "";
    if (key === undefined) gathered.set(name, values);
    else if (value !== "") strategy[key] = numeric(value);
  }
  if (Object.keys(strategy).length > 0) gathered.set(NAME, [JSON.stringify(strategy)]);
  return gathered;
}

/** What is no JSON is a word. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Forms know no numbers. */
function numeric(value: string): unknown {
  return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
