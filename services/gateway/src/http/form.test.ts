import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { SpeechError } from "@parlance/contracts";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readForm } from "./form.ts";

const escaped: unknown[] = [];
const caught = (error: unknown) => escaped.push(error);
beforeEach(() => {
  escaped.length = 0;
  process.on("uncaughtException", caught);
});
afterEach(() => {
  process.off("uncaughtException", caught);
});

async function read(body: Uint8Array): Promise<unknown> {
  const request = Object.assign(Readable.from([body]), {
    headers: { "content-type": "multipart/form-data; boundary=b" },
  }) as unknown as IncomingMessage;
  const take = async ({ content }: { content: AsyncIterable<Uint8Array> }) => {
    let bytes = 0;
    for await (const part of content) bytes += part.length;
    return bytes;
  };
  try {
    return await readForm(request, {
      fileFields: ["audio", "file"],
      maxFileBytes: 10_000,
      take,
      discard: async () => {},
    });
  } catch (error) {
    return error;
  }
}

const part = (head: string, content = "x") => `--b\r\n${head}\r\n\r\n${content}\r\n`;

it.each([
  ["a field", "Content-Disposition: form-data"],
  ["a file", 'Content-Disposition: form-data; filename="a.wav"'],
  ["a file with a type", "Content-Disposition: form-data\r\nContent-Type: application/octet-stream"],
])("%s without a name is a refusal, and not the end of the process", async (_what, head) => {
  const error = await read(Buffer.from(`${part(head)}--b--\r\n`));
  expect(error).toBeInstanceOf(SpeechError);
  expect(escaped).toEqual([]);
});

it("whatever a form is made of, it is read or refused, and nothing is thrown past whoever reads it", async () => {
  const disposition = fc.constantFrom(
    'form-data; name="audio"; filename="a"',
    "form-data; name=audio",
    'form-data; name="x[]"',
    "form-data; name*=UTF-8''%E4; filename*=UTF-8''%zz",
    "form-data",
    "attachment; filename",
    "",
    "form-data; name=",
  );
  const odd = fc.constantFrom(
    "",
    "Content-Type: text/plain",
    "Content-Transfer-Encoding: base64",
    ":",
    "Content-Type:;=",
  );
  const parts = fc.array(
    fc
      .tuple(disposition, odd, fc.string({ maxLength: 40, unit: "binary" }))
      .map(([name, more, content]) => part(`Content-Disposition: ${name}${more === "" ? "" : `\r\n${more}`}`, content)),
    { maxLength: 5 },
  );
  await fc.assert(
    fc.asyncProperty(parts, fc.constantFrom("--b--\r\n", "--b", "", "--b\r\n"), async (all, end) => {
      const outcome = await read(Buffer.from(all.join("") + end, "latin1"));
      const told = outcome instanceof Error ? outcome instanceof SpeechError : outcome !== undefined;
      expect(told).toBe(true);
      expect(escaped).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
