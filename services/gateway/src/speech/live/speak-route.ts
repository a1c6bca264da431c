/** The path of sockets that speak. */

import type { GatewayContext } from "../../gateway-context.ts";
import { requireSpeech } from "../../models/speech-models.ts";
import type { SocketRequest, SocketRoute } from "../../sockets/index.ts";
import { readSpeakOrder, type SpeakOrder } from "./speak-order.ts";
import { openSpeakSession } from "./speak-session.ts";

export function speakRoute(gateway: GatewayContext): SocketRoute {
  /** What was found right before the upgrade. */
  const orders = new WeakMap<SocketRequest, SpeakOrder>();
  return {
    path: "/ws/speak",
    maxPayload: 65_536,
    async check(request) {
      requireSpeech(gateway.settings);
      orders.set(request, readSpeakOrder(request.query, await gateway.speech.workers()));
      await gateway.model.require("tts");
    },
    open(socket, request) {
      const order = orders.get(request);
      if (order === undefined) throw new Error("a socket that was not looked at is open");
      return openSpeakSession(gateway, order, socket);
    },
  };
}
