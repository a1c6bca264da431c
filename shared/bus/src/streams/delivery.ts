/**
 * A message as a consumer delivered it. The client library wraps messages only of pulls that it made itself, so the
 * reply subject is read here:
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream seq>.<consumer seq>.<nanoseconds>.<pending>`.
 * From server 2.14 on it may have `<domain>.<account hash>` after `ACK` and a token at the end, where that is switched
 * on.
 */
import type { Msg } from "nats";
import type { Link } from "../link/link.ts";
import { untilAnswered } from "../link/until-answered.ts";
import { receivedHeaders } from "./message-headers.ts";
import type { Delivery } from "./messages.ts";

export interface DeliveryInfo {
  stream: string;
  consumer: string;
  deliveries: number;
  seq: number;
  /** Milliseconds since the epoch. */
  time: number;
  pending: number;
}

/** Undefined when this is not the reply subject of a delivery. */
export function parseReply(reply: string | undefined): DeliveryInfo | undefined {
  const tokens = reply?.split(".") ?? [];
  if (tokens[0] !== "$JS" || tokens[1] !== "ACK" || (tokens.length !== 9 && tokens.length < 11)) return undefined;
  const [stream = "", consumer = "", deliveries, seq, , nanoseconds = "", pending] = tokens.slice(
    tokens.length === 9 ? 2 : 4,
  );
  return {
    stream,
    consumer,
    deliveries: Number(deliveries),
    seq: Number(seq),
    // Nanoseconds since the epoch are beyond what a number holds exactly.
    time: Number(BigInt(nanoseconds || 0) / 1_000_000n),
    pending: Number(pending),
  };
}

/** A server that was killed may not remember that it delivered the message: it then does not answer, and delivers it again. */
const ACK_ATTEMPT_MS = 1_000;
const ACK_TRIES = 2;

export function createDelivery(link: Link, message: Msg, info: DeliveryInfo): Delivery {
  const { nc } = link;
  const reply = message.reply ?? "";
  return {
    subject: message.subject,
    headers: receivedHeaders(message),
    data: message.data,
    seq: info.seq,
    time: info.time,
    deliveries: info.deliveries,
    pending: info.pending,
    async ack() {
      await untilAnswered(
        link,
        `Acknowledging ${message.subject}`,
        (timeoutMs) => link.ask(reply, "+ACK", { timeoutMs }),
        { attemptMs: ACK_ATTEMPT_MS, silentTries: ACK_TRIES },
      );
    },
    nak(delayMs) {
      nc.publish(reply, `-NAK ${JSON.stringify({ delay: Math.round(delayMs * 1e6) })}`);
    },
    working() {
      nc.publish(reply, "+WPI");
    },
    term(reason) {
      nc.publish(reply, `+TERM ${reason}`);
    },
  };
}
