/** The page's files as they are sent. */
import { createHash } from "node:crypto";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { pageFiles } from "./page-files.ts";

export interface ServedFile {
  type: string;
  etag: string;
  plain: Buffer;
  br: Buffer;
  gzip: Buffer;
}

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  ts: "text/javascript; charset=utf-8",
};
/** Where index.html names the modules, so that they are not found one behind the other. */
const MODULES = "<!-- modules -->";
/** Run elsewhere than in the page: loaded when a microphone is opened. */
const WORKLET = /worklet/;

export function serveFiles(): ReadonlyMap<string, ServedFile> {
  const files = pageFiles();
  const modules = files.flatMap(({ name }) => (name.endsWith(".ts") && !WORKLET.test(name) ? [name] : []));
  const links = modules.map((name) => `<link rel="modulepreload" href="/console/${name}">`).join("");
  return new Map(
    files.map(({ name, text }) => [name, served(name, name === "index.html" ? text.replace(MODULES, links) : text)]),
  );
}

function served(name: string, text: string): ServedFile {
  const plain = Buffer.from(text);
  return {
    type: types[name.split(".").at(-1) ?? ""] ?? "application/octet-stream",
    etag: `"${createHash("sha256").update(plain).digest("base64url").slice(0, 27)}"`,
    plain,
    br: brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: plain.byteLength } }),
    gzip: gzipSync(plain, { level: 9 }),
  };
}
