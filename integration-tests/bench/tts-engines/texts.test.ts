import { expect, it } from "vitest";
import { textOf } from "./texts.ts";

it.each([1, 24, 300])("a text for %i frames has as many letters and no other sign", (frames) => {
  const text = textOf(frames);
  expect(text.replaceAll(" ", "")).toMatch(new RegExp(`^[a-z]{${frames}}$`));
  expect(text).toBe(text.trim());
});
