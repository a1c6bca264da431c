import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { SpeechError, toSpeechError } from "@parlance/contracts";
import Koa, { type Context } from "koa";
import { afterEach, expect, test } from "vitest";
import { openSocket, readAll } from "../../testing/raw-http.ts";
import { type EventStream, type EventStreamOptions, openEventStream } from "./event-stream.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A server whose only answer is written by `work`. */
async function serve(
  options: Partial<EventStreamOptions>,
  work: (stream: EventStream, ctx: Context) => Promise<void>,
): Promise<string> {
  const app = new Koa();
  // Of sockets that are gone.
  app.silent = true;
  app.use(async (ctx) => {
    const gone = new AbortController();
    ctx.res.once("close", () => gone.abort(new SpeechError("cancelled")));
    await work(openEventStream(ctx, { gone: gone.signal, ...options }), ctx);
  });
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(async () => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("events are one line of JSON each, and a quiet stream has comments between them", async () => {
  const url = await serve({ commentMs: 20 }, async (stream) => {
    await stream.write({ delta: "two\nlines" });
    await pause(90);
    stream.end({ text: "é" });
  });
  const text = await (await fetch(url)).text();
  expect(text.replaceAll(":\n\n", "")).toBe('data: {"delta":"two\\nlines"}\n\ndata: {"text":"é"}\n\n');
  expect(text).toMatch(/lines"\}\n\n(:\n\n)+data/);
});

test("a failure is the last event; what went wrong inside is not told", async () => {
  const url = await serve({}, async (stream) => stream.fail(toSpeechError(new Error("of our insides"))));
  const { error } = JSON.parse((await (await fetch(url)).text()).slice("data: ".length));
  expect(error).toMatchObject({ code: "internal", type: "server_error", param: null });
  expect(JSON.stringify(error)).not.toContain("insides");
});

const LARGE = { delta: "x".repeat(1_000_000) };

test("a caller that does not read is cut off, and holds one event and what sockets do", async () => {
  const outcome = Promise.withResolvers<{ error: unknown; written: number; held: number }>();
  const url = await serve({ unreadMs: 300, commentMs: 10 }, async (stream, { res }) => {
    let written = 0;
    try {
      for (;;) {
        await stream.write(LARGE);
        written += 1;
      }
    } catch (error) {
      outcome.resolve({ error, written, held: res.writableLength });
    }
  });
  const socket = await openSocket(url);
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const { error, written, held } = await outcome.promise;
  expect(error).toMatchObject({ code: "request_timeout" });
  expect(held).toBeLessThan(1.1 * LARGE.delta.length);
  socket.resume();
  expect((await readAll(socket)).length).toBeLessThan((written + 1.1) * LARGE.delta.length);
});

test("a caller that reads slowly is waited for", async () => {
  const url = await serve({}, async (stream) => {
    for (let n = 0; n < 20; n += 1) await stream.write(LARGE);
    stream.end({ text: "whole" });
  });
  const socket = await openSocket(url);
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  await pause(1_000);
  socket.resume();
  expect(await readAll(socket)).toContain('data: {"text":"whole"}');
});

test("whoever leaves ends the waiting with the reason", async () => {
  const ended = Promise.withResolvers<unknown>();
  const url = await serve({}, async (stream) => {
    try {
      for (;;) await stream.write(LARGE);
    } catch (error) {
      ended.resolve(error);
    }
  });
  const socket = await openSocket(url);
  socket.pause();
  socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await pause(200);
  socket.destroy();
  expect(await ended.promise).toMatchObject({ code: "cancelled" });
});
