/** What a question for a batch's status may say. */
import { statusViewSchema } from "@parlance/contracts";
import * as z from "zod";
import { MOST_WAIT_SECONDS } from "../batch/status-endpoint.ts";
import type { Json } from "./operation.ts";

export function statusParameters(): Json[] {
  const { properties = {} } = z.toJSONSchema(statusViewSchema, { io: "input" });
  const view = Object.entries(properties).map(([name, property]): Json => {
    const { description = "", ...schema } = typeof property === "object" ? property : {};
    return { name, in: "query", description, schema };
  });
  return [
    ...view,
    {
      name: "wait",
      in: "query",
      description:
        "Seconds for which the answer may wait until it is another one than If-None-Match names, or than it is now. A finished batch's comes at once",
      schema: { type: "number", minimum: 0, maximum: MOST_WAIT_SECONDS },
    },
    {
      name: "If-None-Match",
      in: "header",
      description: "The ETag of an earlier answer: the same again is a 304",
      schema: { type: "string" },
    },
  ];
}
