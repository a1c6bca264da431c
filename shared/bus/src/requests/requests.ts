/** Core NATS: messages that nobody stores. Requests, answers to them, and live subscriptions. */
import { headerNames, SpeechError, toErrorBody, toSpeechError } from "@parlance/contracts";
import { errors, type Msg, type Subscription } from "nats";
import type { Link } from "../link/link.ts";
import { isNoResponders, refusal } from "../link/server-error.ts";
import { headersOf, receivedHeaders } from "../streams/message-headers.ts";
import type { HeaderPairs } from "../streams/messages.ts";
import type { Bus, Request } from "../types.ts";

/** The subscription exists when this returns, not when the first message is asked for. */
export function subscribe(link: Link, subject: string, signal: AbortSignal): ReturnType<Bus["subscribe"]> {
  const subscription = link.nc.subscribe(subject);
  endWith(subscription, signal);
  async function* messages() {
    for await (const message of subscription) {
      yield { subject: message.subject, headers: receivedHeaders(message), data: message.data };
    }
  }
  return messages();
}

/** The server writes its headers behind the publisher's, which may have the same names: theirs are the last. */
export function follow(link: Link, subject: string, signal: AbortSignal): ReturnType<Bus["follow"]> {
  const subscription = link.nc.subscribe(subject);
  endWith(subscription, signal);
  async function* messages() {
    for await (const message of subscription) {
      const headers = receivedHeaders(message);
      const seq = Number(headers.last("Nats-Sequence"));
      if (!(seq > 0)) continue;
      yield {
        subject: headers.last("Nats-Subject"),
        headers,
        data: message.data,
        seq,
        time: Date.parse(headers.last("Nats-Time-Stamp")),
        before: Number(headers.last("Nats-Last-Sequence")),
      };
    }
  }
  return messages();
}

export async function ask(
  link: Link,
  ...[subject, payload, timeoutMs, pairs]: Parameters<Bus["ask"]>
): ReturnType<Bus["ask"]> {
  if (!link.connected) return undefined;
  try {
    const answer = await link.ask(subject, payload, { timeoutMs, headers: pairs && headersOf(pairs) });
    return { data: answer.data, headers: receivedHeaders(answer) };
  } catch (error) {
    if (error instanceof errors.TimeoutError || isNoResponders(error)) return undefined;
    const final = refusal(error, `Asking ${subject}`);
    if (final) throw final;
    return undefined;
  }
}

export async function requestMany(
  link: Link,
  subject: string,
  payload: Uint8Array | string,
  timeoutMs: number,
): Promise<Uint8Array[]> {
  const answers: Uint8Array[] = [];
  if (!link.connected) return answers;
  try {
    for await (const message of await link.nc.requestMany(subject, payload, {
      strategy: "timer",
      maxWait: timeoutMs,
    })) {
      answers.push(message.data);
    }
  } catch (error) {
    if (!isNoResponders(error) && !(error instanceof errors.TimeoutError)) {
      const final = refusal(error, `Asking ${subject}`);
      if (final) throw final;
    }
  }
  return answers;
}

export function serve(
  link: Link,
  subject: string,
  group: string | undefined,
  handler: (request: Request) => Promise<void>,
  signal: AbortSignal,
): void {
  const subscription = link.nc.subscribe(subject, {
    ...(group === undefined ? {} : { queue: group }),
    callback: (error, message) => {
      if (error) link.log?.warn({ err: error, subject }, "a subscription failed");
      else void answer(message);
    },
  });
  endWith(subscription, signal);

  async function answer(message: Msg): Promise<void> {
    const respond = (data: Uint8Array | string, pairs: HeaderPairs = []) => {
      if (!link.closed) message.respond(data, pairs.length === 0 ? {} : { headers: headersOf(pairs) });
    };
    try {
      await handler({ subject: message.subject, headers: receivedHeaders(message), data: message.data, respond });
    } catch (cause) {
      const error = toSpeechError(cause);
      // What the asker did wrong is the asker's to know, and too many requests must not become as many lines.
      if (error.code === "internal") link.log?.warn({ err: cause, subject: message.subject }, "a request failed");
      // What went wrong on our side may name our insides: that is for the log.
      const told = toErrorBody(error.code === "internal" ? new SpeechError("internal") : error);
      respond(JSON.stringify(told), [[headerNames.errorCode, error.code]]);
    }
  }
}

export function publish(link: Link, ...[subject, payload, pairs]: Parameters<Bus["publish"]>): void {
  if (link.closed) throw new SpeechError("bus_unavailable", "The connection to NATS is closed.");
  link.nc.publish(subject, payload, pairs && { headers: headersOf(pairs) });
}

function endWith(subscription: Subscription, signal: AbortSignal): void {
  const end = () => subscription.unsubscribe();
  if (signal.aborted) end();
  else {
    signal.addEventListener("abort", end, { once: true });
    subscription.closed.then(() => signal.removeEventListener("abort", end));
  }
}
