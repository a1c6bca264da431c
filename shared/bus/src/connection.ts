/**
 * The bus: NATS JetStream as the pipeline uses it.
 *
 * It promises that a message handed to `publishOnce` is stored once or refused with a reason, whatever the connection
 * and the server do meanwhile; that a pull answers as soon as there is a message; and that nothing waits for ever. It
 * keeps no state but the connection, which it restores for as long as the process lives.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { SpeechError } from "@parlance/contracts";
// `nats` is an alias in package.json: the client of that name goes on as @nats-io/transport-node.
import { type ConnectionOptions, connect, errors, type NatsConnection } from "nats";
import { createFileStore } from "./files/file-store.ts";
import { createKeyBucket } from "./keys/key-bucket.ts";
import { type BusLog, createLink } from "./link/link.ts";
import { ask, follow, publish, requestMany, serve, subscribe } from "./requests/requests.ts";
import { createDelivery, parseReply } from "./streams/delivery.ts";
import { publishOnce } from "./streams/publish-once.ts";
import { createPulls } from "./streams/pull.ts";
import { readStream } from "./streams/read.ts";
import {
  ackWait,
  consumerState,
  countSubjects,
  deleteMessage,
  firstMessage,
  hasNone,
  lastMessage,
  messageAt,
  purge,
  streamState,
} from "./streams/state.ts";
import type { Bus } from "./types.ts";

export interface BusOptions {
  /** One server, or several separated by commas. */
  url: string;
  /** Shown by the server's monitoring. */
  name: string;
  user?: string | undefined;
  password?: string | undefined;
  /** Certificate authority of a server that speaks TLS. */
  caFile?: string | undefined;
  log?: BusLog | undefined;
  /** Milliseconds for which a first connection is tried. Default 60 000. */
  connectTimeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

const DEFAULT_CONNECT_MS = 60_000;
const CONNECT_PAUSE_MS = 250;

/** A user may listen only to inboxes of its own, so that no service reads another one's answers. */
export function inboxPrefixOf(user: string | undefined): string {
  return user === undefined ? "_INBOX" : `_INBOX_${user}`;
}

/** Throws `bus_unavailable` when no server can be reached in time, `unauthorized` at once when it refuses the user. */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const nc = await connectWithin(options);
  const link = await createLink(nc, inboxPrefixOf(options.user), options.log);
  const pullDurable = createPulls(link);

  return {
    connection: nc,
    get maxPayload() {
      return nc.info?.max_payload ?? 1_048_576;
    },
    get connected() {
      return link.connected;
    },
    publishOnce: (subject, payload, publishOptions) => publishOnce(link, subject, payload, publishOptions),
    publish: (...message) => publish(link, ...message),
    subscribe: (subject, signal) => subscribe(link, subject, signal),
    follow: (subject, signal) => follow(link, subject, signal),
    flush: () => nc.flush(),
    async pull({ stream, durable, max, waitMs, signal }) {
      const messages = await pullDurable({ stream, consumer: durable, max, waitMs, signal });
      return messages.flatMap((message) => {
        const info = parseReply(message.reply);
        if (info === undefined) return [];
        link.seen.note(stream, info.seq);
        return [createDelivery(link, message, info)];
      });
    },
    read: (readOptions) => readStream(link, readOptions),
    first: (stream, subject, from) => firstMessage(link, stream, subject, from),
    last: (stream, subject, lastOptions) => lastMessage(link, stream, subject, lastOptions),
    hasNone: (stream, subjects) => hasNone(link, stream, subjects),
    message: (stream, seq) => messageAt(link, stream, seq),
    countSubjects: (stream, filter) => countSubjects(link, stream, filter),
    consumerState: (stream, durable) => consumerState(link, stream, durable),
    ackWait: (stream, durable) => ackWait(link, stream, durable),
    streamState: (stream, retry) => streamState(link, stream, retry),
    purgeBelow: (stream, seq, subject) => purge(link, stream, { seq, filter: subject }),
    deleteMessage: (stream, seq) => deleteMessage(link, stream, seq),
    purgeSubject: (stream, subject) => purge(link, stream, { filter: subject }),
    bucket: (kind) => createKeyBucket(link, kind),
    files: async (name) => createFileStore(link, name),
    request: async (...asked) => (await ask(link, ...asked))?.data,
    ask: (...asked) => ask(link, ...asked),
    requestMany: (subject, payload, timeoutMs) => requestMany(link, subject, payload, timeoutMs),
    serve: (subject, group, handler, signal) => serve(link, subject, group, handler, signal),
    onConnection: (listener) => link.onConnection(listener),
    close: () => link.close(),
  };
}

async function connectWithin(options: BusOptions): Promise<NatsConnection> {
  const { url, log, signal, connectTimeoutMs = DEFAULT_CONNECT_MS } = options;
  const deadline = performance.now() + connectTimeoutMs;
  for (let told = false; ; told = true) {
    signal?.throwIfAborted();
    try {
      return await connect(connectionOptions(options));
    } catch (error) {
      if (error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError) {
        throw new SpeechError("unauthorized", `NATS at ${url} refuses the user ${options.user ?? "(none)"}.`, {
          cause: error,
        });
      }
      if (performance.now() + CONNECT_PAUSE_MS >= deadline) {
        throw new SpeechError("bus_unavailable", `NATS at ${url} cannot be reached: ${reasonOf(error)}.`, {
          cause: error,
        });
      }
      if (!told) log?.warn({ url, reason: reasonOf(error) }, "waiting for NATS");
    }
    await sleep(CONNECT_PAUSE_MS, undefined, { signal });
  }
}

function connectionOptions({ url, name, user, password, caFile }: BusOptions): ConnectionOptions {
  return {
    servers: url.split(",").map((server) => server.trim()),
    name,
    ...(user === undefined ? {} : { user, pass: password ?? "" }),
    ...(caFile === undefined ? {} : { tls: { caFile } }),
    inboxPrefix: inboxPrefixOf(user),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
    reconnectJitter: 100,
    // A server that restarts with other users must not end a service for good.
    ignoreAuthErrorAbort: true,
    // A server that hangs is noticed within a minute.
    pingInterval: 20_000,
    maxPingOut: 2,
    timeout: 5_000,
    // Capturing a stack for each request costs more than the request.
    noAsyncTraces: true,
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
