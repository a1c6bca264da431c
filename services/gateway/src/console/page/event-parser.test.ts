import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createEventParser } from "./event-parser.ts";

test("events come out whole, however their text is cut", () => {
  const events = fc.array(fc.record({ type: fc.string(), text: fc.string({ unit: "grapheme" }) }), { maxLength: 20 });
  fc.assert(
    fc.property(events, fc.integer({ min: 1, max: 40 }), (told, step) => {
      const text = told.map((event) => `: still here\n\ndata: ${JSON.stringify(event)}\n\n`).join("");
      const parse = createEventParser<(typeof told)[number]>();
      const found: typeof told = [];
      for (let at = 0; at < text.length; at += step) found.push(...parse(text.slice(at, at + step)));
      expect(found).toEqual(told);
    }),
  );
});
