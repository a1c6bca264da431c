import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, expect, it } from "vitest";
import { programOptions } from "./program-options.ts";

const folder = mkdtempSync(join(tmpdir(), "parlance-lean-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const root = join(import.meta.dirname, "../../..");

/** What a program of one line exports, built as all programs are. */
async function built(name: string, code: string): Promise<Record<string, unknown>> {
  const outfile = join(folder, `${name}.mjs`);
  const stdin = { contents: code, resolveDir: join(root, "services/gateway") };
  await build({ ...programOptions, splitting: false, sourcemap: false, stdin, outfile });
  return await import(pathToFileURL(outfile).href);
}

it("media types are looked up, told and charset as mime-types itself does it", async () => {
  const requireOfKoa = createRequire(createRequire(import.meta.url).resolve("koa"));
  const original = requireOfKoa("mime-types");
  const table: Record<string, { extensions?: string[] }> = requireOfKoa("mime-db");
  const { default: lean } = await built("mime", 'export { default } from "mime-types"');
  const answers = (mime: typeof original) =>
    Object.entries(table).map(([type, { extensions = [] }]) => [
      ...[type, mime.extension(type), mime.charset(type), mime.contentType(type)],
      ...extensions.flatMap((extension) => [mime.lookup(extension), mime.contentType(`x.${extension}`)]),
    ]);
  expect(answers(lean)).toEqual(answers(original));
});

it("koa answers with what handlers give it, and fetch is not loaded for it", async () => {
  const { ask } = await built(
    "koa",
    `import { once } from "node:events";
    import Koa from "koa";
    import { Readable } from "node:stream";
    const bodies = { "/text": () => "text", "/json": () => ({ a: 1 }), "/bytes": () => Buffer.from("bytes"),
      "/stream": () => Readable.from(["str", "eam"]), "/blob": () => new Blob(["blob"]) };
    export async function ask() {
      const app = new Koa();
      app.use((ctx) => { ctx.body = bodies[ctx.path](); });
      const server = app.listen(0);
      await once(server, "listening");
      const { get } = process.getBuiltinModule("node:http");
      const answers = [];
      for (const path of Object.keys(bodies)) {
        const [response] = await once(get({ port: server.address().port, path }), "response");
        answers.push(response.headers["content-type"] + ": " + (await response.toArray()).join(""));
      }
      server.close();
      return answers;
    }`,
  );
  if (typeof ask !== "function") throw new Error("nothing to ask");
  expect(await ask()).toEqual([
    "text/plain; charset=utf-8: text",
    'application/json; charset=utf-8: {"a":1}',
    "application/octet-stream: bytes",
    "application/octet-stream: stream",
    "application/octet-stream: blob",
  ]);
});

it("koa-body checks its options, and knows a wrong one", async () => {
  const { koaBody } = await built("koa-body", 'export { koaBody } from "koa-body"');
  if (typeof koaBody !== "function") throw new Error("nothing to call");
  expect(koaBody({ json: true, jsonLimit: 1_000, multipart: false })).toBeTypeOf("function");
  expect(() => koaBody({ json: "yes" })).toThrow();
});

it("what is wrong is told in English", async () => {
  const { said } = await built(
    "zod",
    'import * as z from "zod"; export const said = z.string().safeParse(1).error.issues[0].message;',
  );
  expect(said).toBe("Invalid input: expected string, received number");
});

it("metrics are counted and shown", async () => {
  const { page } = await built(
    "metrics",
    `import { Counter, Histogram, Registry } from "prom-client";
    const registers = [new Registry()];
    new Counter({ name: "one", help: "1", registers }).inc();
    new Histogram({ name: "two", help: "2", registers, buckets: [1] }).observe(0.5);
    export const page = await registers[0].metrics();`,
  );
  expect(page).toContain("one 1\n");
  expect(page).toContain('two_bucket{le="1"} 1\n');
});
