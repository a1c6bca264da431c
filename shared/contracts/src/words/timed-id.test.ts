import fc from "fast-check";
import { expect, test } from "vitest";
import { uploadedAt } from "./identifiers.ts";
import { timedId } from "./timed-id.ts";

test("an id tells when it was made, and is a UUID", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (now) => {
      const id = timedId(now);
      expect(uploadedAt(id)).toBe(now);
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }),
  );
});

test("ids of one moment differ, and other ids have no time", () => {
  expect(new Set(Array.from({ length: 1_000 }, () => timedId(1))).size).toBe(1_000);
  for (const id of ["", "file_1", "84c08fb9-5d57-4073-960b-2e6c53faad78"]) expect(uploadedAt(id)).toBeUndefined();
});
