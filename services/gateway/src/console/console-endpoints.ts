/** GET / and /console/{name}: the page's files, each compressed once, under a policy that allows nothing from elsewhere. */
import type Router from "@koa/router";
import { SpeechError } from "@parlance/contracts";
import type { Context } from "koa";
import type { ServedFile } from "./served-files.ts";

const headers = {
  "Content-Security-Policy": [
    "default-src 'none'",
    ...["script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", "media-src 'self' blob:"],
    ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"],
  ].join("; "),
  "Cache-Control": "no-cache",
  "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

export function addConsole(router: Router): void {
  let files: Promise<ReadonlyMap<string, ServedFile>> | undefined;

  async function send(ctx: Context, name: string): Promise<void> {
    // Until somebody looks at it, nothing of it is in memory.
    files ??= import("./served-files.ts").then(({ serveFiles }) => serveFiles());
    const file = (await files).get(name);
    if (file === undefined) throw new SpeechError("not_found");
    ctx.set(headers);
    ctx.vary("Accept-Encoding");
    ctx.etag = file.etag;
    ctx.type = file.type;
    ctx.status = 200;
    // Compared by hand: who reloads the page says `no-cache`, and has it all the same.
    if (ctx.get("If-None-Match").includes(file.etag)) {
      ctx.status = 304;
      return;
    }
    const encoding = ctx.acceptsEncodings("br", "gzip", "identity");
    if (encoding === "br" || encoding === "gzip") {
      ctx.set("Content-Encoding", encoding);
      ctx.body = file[encoding];
    } else ctx.body = file.plain;
  }

  router.get("/", (ctx) => send(ctx, "index.html"));
  router.get("/console/:name", (ctx) => send(ctx, ctx.params.name ?? ""));
}
