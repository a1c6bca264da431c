/**
 * A file to its caller, no faster than it is read: whatever its size, one part of it is in memory, and a caller that has stopped reading
 * costs no more until it is cut off.
 */
import { once } from "node:events";
import type { Context } from "koa";

/** Resolves when all was handed over. Throws the signal's reason when the caller is gone; then the answer has broken off. */
export async function sendContent(ctx: Context, content: AsyncIterable<Uint8Array>, gone: AbortSignal): Promise<void> {
  const { res } = ctx;
  let begun = false;
  for await (const bytes of content) {
    gone.throwIfAborted();
    // Only now: as long as nothing was read, an error has a status and a body of its own.
    if (!begun) begin(ctx);
    begun = true;
    if (!res.write(bytes)) await once(res, "drain", { signal: gone });
  }
  if (!begun) begin(ctx);
  res.end();
}

/** By hand: Koa's own way with streams reads ahead. */
function begin(ctx: Context): void {
  ctx.respond = false;
  ctx.flushHeaders();
}
