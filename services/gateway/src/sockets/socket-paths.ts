/** The paths of sockets, for those who come to them by plain HTTP. */
import type Router from "@koa/router";
import { SpeechError } from "@parlance/contracts";
import type { SocketRoute } from "./socket-route.ts";

export function addSocketPaths(router: Router, routes: readonly SocketRoute[]): void {
  for (const { path } of routes) {
    router.get(path, (ctx) => {
      ctx.set("Upgrade", "websocket");
      throw new SpeechError("upgrade_required");
    });
  }
}
