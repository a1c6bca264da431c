/** The path of sockets that speak. */

import { operationWith } from "@parlance/contracts";
import type { GatewayContext } from "../../gateway-context.ts";
import { requireSpeech } from "../../models/speech-models.ts";
import type { SocketRequest, SocketRoute } from "../../sockets/index.ts";
import { findVoice } from "../../voices/find-voice.ts";
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
      const workers = await gateway.speech.workers();
      const voice = await findVoice(request.query.get("voice") ?? undefined, workers, gateway);
      orders.set(request, readSpeakOrder(request.query, voice, workers));
      await gateway.model.require(operationWith("custom_voice", voice));
    },
    open(socket, request) {
      const order = orders.get(request);
      if (order === undefined) throw new Error("a socket that was not looked at is open");
      return openSpeakSession(gateway, order, socket);
    },
  };
}
