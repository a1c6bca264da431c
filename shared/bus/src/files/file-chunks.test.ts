import fc from "fast-check";
import { expect, test } from "vitest";
import { inChunks } from "./file-chunks.ts";

test("parts of any size are cut into parts of one size, and every byte is kept in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }),
      fc.integer({ min: 1, max: 64 }),
      async (parts, size) => {
        async function* content() {
          yield* parts;
        }
        const chunks: Uint8Array[] = [];
        for await (const chunk of inChunks(content(), size)) chunks.push(chunk);
        expect(chunks.slice(0, -1).every((chunk) => chunk.byteLength === size)).toBe(true);
        expect(chunks.at(-1)?.byteLength ?? 1).toBeGreaterThan(0);
        expect(Buffer.concat(chunks).equals(Buffer.concat(parts))).toBe(true);
      },
    ),
  );
});
