import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { openSocket, readAll } from "../testing/raw-http.ts";
import { createHttpServer, type HttpLimits } from "./http-server.ts";

async function listen(limits: HttpLimits = {}) {
  const server = createHttpServer(
    (request, response) => request.resume().once("end", () => response.end("ok")),
    limits,
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { server, url: `http://127.0.0.1:${port}` };
}

test("a connection that has been answered and asks nothing more is closed after a while", async () => {
  const { server, url } = await listen();
  server.keepAliveTimeout = 200;
  for (const request of [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
  ]) {
    const socket = await openSocket(url);
    const said = readAll(socket);
    socket.write(request);
    expect(await said).toMatch(/ok$/);
  }
  server.close();
});

test("a body that keeps coming has more time than one that trickles", async () => {
  const { server, url } = await listen({ requestTimeoutMs: 600 });
  const send = async (bytes: number, everyMs: number, times: number) => {
    const socket = await openSocket(url);
    const said = readAll(socket);
    socket.write(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${bytes * times}\r\n\r\n`);
    for (let sent = 0; sent < times && !socket.destroyed; sent += 1) {
      socket.write("x".repeat(bytes));
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
    return await said;
  };
  // Both take longer than the limit.
  expect(await send(100_000, 100, 15)).toMatch(/^HTTP\/1\.1 200/);
  const cut = await send(10, 100, 15);
  expect(cut).toMatch(/^HTTP\/1\.1 408/);
  expect(cut).toMatch(/\r\nX-Should-Retry: true\r\nRetry-After: \d+\r\n/);
  server.close();
});
