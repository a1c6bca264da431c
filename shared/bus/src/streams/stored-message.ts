/** One message of a stream, asked of the server: of the stream's leader, which knows best, or of any replica, which may lag. */
import { JetStreamApiError } from "@nats-io/jetstream";
import { createInbox, errors, type Msg } from "nats";
import * as z from "zod";
import type { Link } from "../link/link.ts";
import { apiErrorSchema, isMissingMessage, isUnavailable } from "../link/server-error.ts";
import { hasOneKeeper } from "../link/stream-info.ts";
import { DEFAULT_TIMEOUT_MS, type RetryOptions, untilAnswered } from "../link/until-answered.ts";
import { decodeHeaders, noHeaders, receivedHeaders } from "./message-headers.ts";
import type { StoredMessage } from "./messages.ts";

/** `seq` alone: exactly that one. `next_by_subj`: the first from `seq` on. `start_time` only from server 2.11 on. */
export type MessageQuery =
  | { seq: number }
  | { last_by_subj: string }
  | { next_by_subj: string; seq: number }
  | { next_by_subj: string; start_time: string };

const answerSchema = z.object({
  error: apiErrorSchema.optional(),
  message: z
    .object({
      subject: z.string(),
      seq: z.number(),
      /** Base64, as the data is. */
      hdrs: z.string().optional(),
      data: z.string().optional(),
      time: z.string(),
    })
    .optional(),
});

/**
 * Undefined: the leader says that there is none. Where one server alone has the stream it is asked directly, which takes it half the
 * work and says the same. Throws a SpeechError, as `untilAnswered` does.
 */
export async function askLeader(
  link: Link,
  stream: string,
  query: MessageQuery,
  retry?: RetryOptions,
): Promise<StoredMessage | undefined> {
  const deadline = performance.now() + (retry?.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  // Whoever wants the first one of a time asks seldom.
  if (hasOneKeeper(link, stream) && !("start_time" in query)) {
    try {
      const [message] = (await askReplica(link, stream, query, retry)).messages;
      if (message !== undefined) link.seen.note(stream, message.seq);
      return message;
    } catch (error) {
      retry?.signal?.throwIfAborted();
      if (!isUnavailable(error) || performance.now() >= deadline) throw error;
    }
  }
  const attempt = async (timeoutMs: number) => {
    const request = JSON.stringify(query);
    const { data } = await link.ask(`$JS.API.STREAM.MSG.GET.${stream}`, request, { timeoutMs });
    const { error, message } = answerSchema.parse(JSON.parse(new TextDecoder().decode(data)));
    if (error !== undefined) {
      const failure = new JetStreamApiError(error);
      if (isMissingMessage(failure)) return undefined;
      throw failure;
    }
    if (message !== undefined) link.seen.note(stream, message.seq);
    return (
      message && {
        subject: message.subject,
        headers: message.hdrs === undefined ? noHeaders : decodeHeaders(Buffer.from(message.hdrs, "base64")),
        data: new Uint8Array(Buffer.from(message.data ?? "", "base64")),
        seq: message.seq,
        time: Date.parse(message.time),
      }
    );
  };
  const timeoutMs = deadline - performance.now();
  return await untilAnswered(link, `Reading stream ${stream}`, attempt, { ...retry, timeoutMs });
}

/** From API level 1 on (server 2.11) one request brings many messages. */
export type BatchQuery = { batch: number; max_bytes: number } & (
  | { next_by_subj: string; seq: number }
  | { multi_last: readonly string[] }
);

export interface ReplicaOptions extends RetryOptions {
  headersOnly?: boolean | undefined;
}

/** A replica that has said nothing for so long is gone or held up. */
const SILENCE_MS = 2_000;
/** A replica that says nothing is not asked again: the next one may be the same. Its leader is. */
const replicaRetry: RetryOptions = { silentTries: 1 };

export interface ReplicaAnswer {
  /** In the stream's order; none when it has none (yet). */
  messages: StoredMessage[];
  /** Of a batch: how many more it has. */
  pending?: number | undefined;
}

/** What a replica has for one request. */
export async function askReplica(
  link: Link,
  stream: string,
  query: MessageQuery | BatchQuery,
  { headersOnly = false, ...retry }: ReplicaOptions = {},
): Promise<ReplicaAnswer> {
  const subject = `$JS.API.DIRECT.GET.${stream}`;
  const attempt = () =>
    "batch" in query ? collect(link, subject, query, headersOnly) : askOne(link, subject, query, headersOnly);
  return await untilAnswered(link, `Reading stream ${stream}`, attempt, { ...replicaRetry, ...retry });
}

/** For one message of which a replica that lags may know nothing yet: the leader is asked only where no replica answers. */
export async function askAny(
  link: Link,
  stream: string,
  query: MessageQuery,
  { timeoutMs = DEFAULT_TIMEOUT_MS }: Pick<RetryOptions, "timeoutMs"> = {},
): Promise<StoredMessage | undefined> {
  const deadline = performance.now() + timeoutMs;
  try {
    return (await askReplica(link, stream, query, { timeoutMs })).messages[0];
  } catch (error) {
    const left = deadline - performance.now();
    if (!isUnavailable(error) || left <= 0) throw error;
    return await askLeader(link, stream, query, { timeoutMs: left });
  }
}

async function askOne(link: Link, subject: string, query: MessageQuery, headersOnly: boolean): Promise<ReplicaAnswer> {
  const answer = await link.ask(subject, JSON.stringify(query), { timeoutMs: SILENCE_MS });
  const headers = receivedHeaders(answer);
  const message = storedMessage(answer, headers, headersOnly);
  const failure = message === undefined ? failureOf(headers.code, subject) : undefined;
  if (failure !== undefined) throw failure;
  return { messages: message === undefined ? [] : [message] };
}

/** A stored message may begin with a status line of its publisher's: only a stored one has a subject from the server. */
function storedMessage(
  { data }: Msg,
  headers: ReturnType<typeof receivedHeaders>,
  headersOnly: boolean,
): StoredMessage | undefined {
  if (!headers.has("Nats-Subject") || !headers.has("Nats-Sequence")) return undefined;
  return {
    subject: headers.last("Nats-Subject"),
    headers,
    data: headersOnly ? new Uint8Array() : data,
    seq: Number(headers.last("Nats-Sequence")),
    time: Date.parse(headers.last("Nats-Time-Stamp")),
  };
}

/**
 * True: the stream has no message under any of these subjects (wildcards allowed). False: it may have. Only of a stream that one server
 * has, from API level 1 on. The first answer tells; where there is a message it is that one, and is not looked at.
 */
export async function askWhetherNone(link: Link, stream: string, subjects: readonly string[]): Promise<boolean> {
  const query = JSON.stringify({ multi_last: subjects, batch: 1 });
  const answer = await link.ask(`$JS.API.DIRECT.GET.${stream}`, query, { timeoutMs: SILENCE_MS });
  const headers = receivedHeaders(answer);
  // One that went away while it was being read is a 404 too, and there may be others.
  return storedMessage(answer, headers, true) === undefined && headers.code === 404 && headers.reason === "No Results";
}

function collect(link: Link, subject: string, query: BatchQuery, headersOnly: boolean): Promise<ReplicaAnswer> {
  const { nc } = link;
  const inbox = createInbox(link.inboxPrefix);
  const messages: StoredMessage[] = [];
  let pending: number | undefined;
  return new Promise((resolve, reject) => {
    const subscription = nc.subscribe(inbox, {
      callback: (error, answer) => {
        if (error) return finish(error);
        timer.refresh();
        const headers = receivedHeaders(answer);
        const message = storedMessage(answer, headers, headersOnly);
        if (message !== undefined) {
          messages.push(message);
          return;
        }
        if (headers.code === 204) pending = Number(headers.last("Nats-Num-Pending"));
        finish(failureOf(headers.code, subject));
      },
    });
    const timer = setTimeout(() => finish(new errors.TimeoutError()), SILENCE_MS);
    const stopConnection = link.onConnection((connected) => {
      if (!connected) finish(new errors.TimeoutError());
    });
    const stopRefusals = link.onRefusal((refused) => {
      if (refused.operation === "publish" && refused.subject === subject) finish(refused);
    });

    function finish(error?: Error): void {
      clearTimeout(timer);
      stopConnection();
      stopRefusals();
      subscription.unsubscribe();
      if (error) reject(error);
      else resolve({ messages, pending });
    }

    try {
      nc.publish(subject, JSON.stringify(query), { reply: inbox });
    } catch (error) {
      finish(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

/** 204: the end of a batch. 404: nothing there. All else says nothing about what is there: a 4xx is a fault of the request. */
function failureOf(status: number, subject: string): Error | undefined {
  if (status === 204 || status === 404) return undefined;
  if (status === 503) return new errors.NoRespondersError(subject);
  const code = status >= 400 && status < 500 ? status : 503;
  return new JetStreamApiError({ code, err_code: 0, description: `status ${status} to a request for messages` });
}
