/** A JSON body, bounded and checked by its schema. */
import { SpeechError, unknownFields, withoutNulls } from "@parlance/contracts";
import type { Context, Middleware } from "koa";
import type * as z from "zod";
import type { BodyBudget } from "./body-budget.ts";
import { noteUnknown } from "./warnings.ts";

/** By default a field that is null counts as absent. */
export type ReadJson = <Schema extends z.ZodType>(
  ctx: Context,
  schema: Schema,
  options?: { nulls: "kept" },
) => Promise<z.output<Schema>>;

export function createReadJson(maxBytes: number, bodies: BodyBudget): ReadJson {
  // koa-body brings formidable with it: some megabytes that a gateway which never gets JSON does not need.
  let parser: Promise<Middleware> | undefined;
  const load = async (): Promise<Middleware> => {
    const { koaBody } = await import("koa-body");
    return koaBody({
      json: true,
      jsonLimit: maxBytes,
      multipart: false,
      urlencoded: false,
      text: false,
      onError(error) {
        throw bodyError(error, maxBytes);
      },
    });
  };

  return async (ctx, schema, options) => {
    if (!ctx.is("json", "+json")) {
      throw new SpeechError("unsupported_media_type", "Send the body as application/json.");
    }
    bodies.take(ctx, maxBytes);
    parser ??= load();
    await (await parser)(ctx, async () => undefined);
    const body = options?.nulls === "kept" ? (ctx.request.body ?? {}) : withoutNulls(ctx.request.body ?? {});
    noteUnknown(ctx, unknownFields(schema, body));
    return schema.parse(body);
  };
}

function bodyError(error: Error, maxBytes: number): SpeechError {
  const status = "status" in error ? error.status : undefined;
  if (status === 413)
    return new SpeechError("payload_too_large", `The body is larger than ${maxBytes} bytes.`, { cause: error });
  if (status === 415)
    return new SpeechError("unsupported_media_type", "This content encoding is not known.", { cause: error });
  return new SpeechError("invalid_json", undefined, { cause: error });
}
