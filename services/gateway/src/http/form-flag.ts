/** A yes or no in a form, in the words that clients have for it. */
import * as z from "zod";

export const formFlag = z
  .string()
  .toLowerCase()
  .pipe(z.enum(["true", "false", "1", "0", "yes", "no", "on", "off"]))
  .transform((text) => text === "true" || text === "1" || text === "yes" || text === "on");
