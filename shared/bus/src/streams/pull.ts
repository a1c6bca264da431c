/**
 * One-shot pull: `no_wait` together with `expires` asks the server to answer as soon as there is any message, with what
 * there is. The client library has no such option (its `fetch` ends only at its expiry), so the request is made here.
 * The server closes every pull with a status (404 or 408 by version), unless the whole `max` was delivered.
 */
import { SpeechError } from "@parlance/contracts";
import { createInbox, type Msg, nanos, type Subscription } from "nats";
import type { Link } from "../link/link.ts";
import { receivedHeaders } from "./message-headers.ts";

export interface PullRequest {
  stream: string;
  consumer: string;
  max: number;
  waitMs: number;
  signal?: AbortSignal | undefined;
}

export type PullEnd = "full" | "status" | "disconnected" | "aborted" | "silent" | "no-consumer";

/** The server keeps its own clock: when it has said nothing this long after `waitMs`, the request was lost. */
const SILENCE_MS = 2_000;

/**
 * Where a durable's messages arrive. It stays from pull to pull: a subscription that comes and goes with each has the server look up
 * anew who listens to what, for all that is published.
 */
interface Mailbox {
  subscription: Subscription;
  /** Of the next pull: the server says on it how the pull ended, and nothing of an earlier one is taken for that. */
  nextReply(): string;
  hear: (error: Error | null, message: Msg) => void;
}

/** By durable, those in which nothing is expected at the moment. */
type Mailboxes = Map<string, Mailbox>;

function openMailbox({ nc, inboxPrefix }: Link): Mailbox {
  const inbox = createInbox(inboxPrefix);
  let pulls = 0;
  const mailbox: Mailbox = {
    hear: () => undefined,
    nextReply() {
      pulls += 1;
      return `${inbox}.${pulls}`;
    },
    subscription: nc.subscribe(`${inbox}.*`, { callback: (error, message) => mailbox.hear(error, message) }),
  };
  return mailbox;
}

/** Takes what one request brings. Never throws for what the server says: `end` tells. */
async function pullOnce(
  link: Link,
  mailboxes: Mailboxes,
  { stream, consumer, max, waitMs, signal }: PullRequest,
): Promise<{ messages: Msg[]; end: PullEnd }> {
  if (signal?.aborted) return { messages: [], end: "aborted" };
  // What is published while the connection is down is dropped, not sent later.
  if (!link.connected) return { messages: [], end: "disconnected" };
  const durable = `${stream}.${consumer}`;
  const kept = mailboxes.get(durable);
  mailboxes.delete(durable);
  const mailbox = kept === undefined || kept.subscription.isClosed() ? openMailbox(link) : kept;
  const { subscription } = mailbox;
  const reply = mailbox.nextReply();
  const messages: Msg[] = [];

  return await new Promise((resolve, reject) => {
    mailbox.hear = (error, message) => {
      if (error) {
        finish("status", error);
      } else if (message.subject === reply) {
        finish(receivedHeaders(message).code === 503 ? "no-consumer" : "status");
      } else if (message.reply !== undefined && message.reply !== "") {
        messages.push(message);
        timer.refresh();
        if (messages.length >= max) finish("full");
      }
    };
    const timer = setTimeout(() => finish("silent"), waitMs + SILENCE_MS);
    const stop = link.onConnection((connected) => {
      if (!connected) finish("disconnected");
    });
    const aborted = () => {
      // What the server sent before it heard of the withdrawal must still be handed over, or it waits for its ack timeout.
      subscription.drain().then(
        () => finish("aborted"),
        () => finish("aborted"),
      );
    };
    signal?.addEventListener("abort", aborted, { once: true });

    function finish(end: PullEnd, error?: Error): void {
      clearTimeout(timer);
      stop();
      signal?.removeEventListener("abort", aborted);
      mailbox.hear = () => undefined;
      // A pull that the server has not ended must find nobody any more, or what it brings would be lost for a while.
      const ended = (end === "full" || end === "status") && error === undefined;
      if (ended && !subscription.isDraining() && !mailboxes.has(durable)) mailboxes.set(durable, mailbox);
      else subscription.unsubscribe();
      if (error) reject(error);
      else resolve({ messages, end });
    }

    const request = { batch: max, no_wait: true, ...(waitMs > 0 ? { expires: nanos(waitMs) } : {}) };
    try {
      link.nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(request), { reply });
    } catch (error) {
      finish("status", error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** Milliseconds after a connect in which a durable may be absent because the server still reads its files. */
const STARTING_MS = 2_000;
const RETRY_MS = 50;

/**
 * Messages of a durable, as soon as there are any; none when `waitMs` is over or the signal aborts. While NATS is away it
 * waits for its return. Throws `bus_unavailable` when no such durable exists.
 */
export type PullDurable = (request: PullRequest) => Promise<Msg[]>;

export function createPulls(link: Link): PullDurable {
  const mailboxes: Mailboxes = new Map();
  return async (request) => {
    const { stream, consumer, waitMs, signal } = request;
    const deadline = performance.now() + waitMs;
    for (;;) {
      if (link.closed) throw new SpeechError("bus_unavailable", "The connection to NATS is closed.");
      const left = Math.max(0, Math.floor(deadline - performance.now()));
      if (!(await link.whenConnected(left, signal))) return [];
      const { messages, end } = await pullOnce(link, mailboxes, { ...request, waitMs: left });
      if (messages.length > 0 || end === "status" || end === "aborted") return messages;
      if (end === "no-consumer") {
        if (performance.now() - link.connectedSince > STARTING_MS) {
          throw new SpeechError("bus_unavailable", `No consumer ${consumer} of stream ${stream} answers.`);
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
      if (performance.now() >= deadline) return [];
    }
  };
}
