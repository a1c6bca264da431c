/**
 * What is wrong with a value, as a sentence that follows the name of its field: "file_id: is required". Schemas give their own where
 * they know more; these stand in for the ones of the schema library, which speak of types that no caller has heard of.
 */
import * as z from "zod";

const kinds: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
  date: "a date",
};

/** Undefined where nothing better is known than what the library says. */
function sentenceOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type": {
      if (issue.input === undefined) return "is required";
      if (issue.expected === "never") return "is not expected here";
      return `must be ${kinds[issue.expected] ?? issue.expected}`;
    }
    case "invalid_value": {
      const values = issue.values.map(String).join(", ");
      const choice = issue.values.length === 1 ? values : `one of ${values}`;
      return issue.input === undefined ? `is required: ${choice}` : `must be ${choice}`;
    }
    case "too_small": {
      const least = Number(issue.minimum);
      if (issue.origin === "string") {
        return least === 1 ? "must not be empty" : `must have at least ${least} characters`;
      }
      if (issue.origin === "array") return `must hold at least ${least === 1 ? "one item" : `${least} items`}`;
      return issue.inclusive === false ? `must be more than ${least}` : `must be at least ${least}`;
    }
    case "too_big": {
      const most = Number(issue.maximum);
      if (issue.origin === "string") return `must not be longer than ${most} characters`;
      if (issue.origin === "array") return `must not hold more than ${most} items`;
      return issue.inclusive === false ? `must be less than ${most}` : `must be at most ${most}`;
    }
    case "invalid_format":
      return "is not written as it must be";
    case "unrecognized_keys":
      return `has fields that are not known: ${issue.keys.join(", ")}`;
    case "invalid_union":
      return issue.input === undefined ? "is required" : "has none of the forms that it may have";
    default:
      return undefined;
  }
}

z.config({ customError: sentenceOf });
