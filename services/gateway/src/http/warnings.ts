/**
 * Tells a caller which of its fields mean nothing here: a list `warnings` in the answers of Parlance's own endpoints, where they are
 * JSON. OpenAI's endpoints ignore such fields by contract, and their answers have a shape of their own: there a header tells.
 */
import { warningsOf } from "@parlance/contracts";
import type { Context, Middleware } from "koa";

const HEADER = "Parlance-Warnings";

/** For fields that a body or a form had and no schema names. */
export function noteUnknown(ctx: Context, fields: readonly string[]): void {
  noteWarnings(ctx, warningsOf(fields));
}

/** For what was asked for and could not be had, beside what was noted before. */
export function noteWarnings(ctx: Context, more: readonly string[] = []): void {
  if (more.length === 0) return;
  const warnings = [...new Set([...(ctx.state.warnings ?? []), ...more])];
  ctx.state.warnings = warnings;
  // At once: an answer that flows has sent its headers before its handler ends.
  if (!isOwn(ctx) && !ctx.headerSent) ctx.set(HEADER, asciiJson(warnings));
}

export const tellWarnings: Middleware = async (ctx, next) => {
  await next();
  const { warnings } = ctx.state;
  const { body } = ctx;
  if (warnings === undefined || !isOwn(ctx) || !isPlainObject(body)) return;
  ctx.body = { ...body, warnings };
};

function isOwn(ctx: Context): boolean {
  return ctx.path.startsWith("/api/");
}

function isPlainObject(body: unknown): body is object {
  return typeof body === "object" && body !== null && Object.getPrototypeOf(body) === Object.prototype;
}

/** Headers hold no other characters. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
