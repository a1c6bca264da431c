/** What the pipeline asks of NATS JetStream. Services depend on these types; `connectBus` makes the real thing. */
import type { EntryKind } from "@parlance/contracts";
import type { NatsConnection } from "nats";
import type { FileStore } from "./files/files.ts";
import type { KeyBucket } from "./keys/key-bucket.ts";
import type {
  ConsumerState,
  Delivery,
  FollowedMessage,
  HeaderPairs,
  LastOptions,
  MessageHeaders,
  PublishOnceOptions,
  PublishReceipt,
  PullOptions,
  ReadOptions,
  StoredMessage,
  StreamState,
} from "./streams/messages.ts";

export interface Request {
  subject: string;
  headers: MessageHeaders;
  data: Uint8Array;
  respond(data: Uint8Array | string, headers?: HeaderPairs): void;
}

export interface Bus {
  readonly connection: NatsConnection;
  /** Largest payload that the server takes, in bytes. */
  readonly maxPayload: number;
  readonly connected: boolean;
  /**
   * Stores a message and waits for the server's word; retried with the same id while NATS is away.
   * Throws `queue_full` when the stream refuses for its limits, `storage_full` when the disk does,
   * `bus_unavailable` after the timeout.
   */
  publishOnce(subject: string, payload: Uint8Array | string, options?: PublishOnceOptions): Promise<PublishReceipt>;
  /** Core publish: fire and forget. */
  publish(subject: string, payload?: Uint8Array | string, headers?: HeaderPairs): void;
  /** Core subscription until the signal aborts: sees what is published from now on. */
  subscribe(subject: string, signal: AbortSignal): AsyncIterable<Omit<StoredMessage, "seq" | "time">>;
  /**
   * Core subscription to what a stream republishes: each message as it is stored, from now on, until the signal aborts. What is missed is
   * not told again, and is noticed by `before`.
   */
  follow(subject: string, signal: AbortSignal): AsyncIterable<FollowedMessage>;
  /** Resolves once every subscription made before is known to the server. */
  flush(): Promise<void>;
  /** One-shot pull from a durable consumer. */
  pull(options: PullOptions): Promise<Delivery[]>;
  /**
   * Everything that the stream holds now for a subject, oldest first; ends at the newest. What it brings is whole, or it throws
   * `bus_unavailable`: a replica that lags behind the stream's leader is never taken for the end.
   */
  read(options: ReadOptions): AsyncIterable<StoredMessage>;
  /** The first message of a subject (wildcards allowed) from a sequence or a time on, or undefined. */
  first(stream: string, subject: string, from: { seq: number } | { time: Date }): Promise<StoredMessage | undefined>;
  /**
   * The newest message of a subject (wildcards allowed), or undefined. `anyReplica`: for what never changes once it is there, and is large;
   * a replica that lags may not have it yet.
   */
  last(stream: string, subject: string, options?: LastOptions): Promise<StoredMessage | undefined>;
  /**
   * True: the stream has no message under any of these subjects (wildcards allowed). False: it may have, or cannot tell. It cannot where
   * several servers have it, or an old one.
   */
  hasNone(stream: string, subjects: readonly string[]): Promise<boolean>;
  /** Stream message by sequence, or undefined. */
  message(stream: string, seq: number): Promise<StoredMessage | undefined>;
  /** Distinct subjects under a filter, with the number of messages of each. */
  countSubjects(stream: string, filter: string): Promise<Map<string, number>>;
  consumerState(stream: string, durable: string): Promise<ConsumerState>;
  /** Milliseconds after which the server delivers a message again of which it hears nothing. Where it does not tell: ACK_WAIT_MS. */
  ackWait(stream: string, durable: string): Promise<number>;
  streamState(stream: string, retry?: { timeoutMs: number }): Promise<StreamState>;
  /** Deletes messages below `seq`, of one subject (wildcards allowed) or of all. Returns how many. */
  purgeBelow(stream: string, seq: number, subject?: string): Promise<number>;
  /**
   * Deletes all messages of a subject (wildcards allowed). Returns how many. Not for what a durable may still hold: the server
   * then forgets others that are to be delivered again. Those are deleted one by one.
   */
  purgeSubject(stream: string, subject: string): Promise<number>;
  /** Deletes one message; harmless where it is gone. A durable takes it for acknowledged. */
  deleteMessage(stream: string, seq: number): Promise<void>;
  /** The keys of one kind, by its schema. */
  bucket<Value>(kind: EntryKind<Value>): KeyBucket<Value>;
  files(name: string): Promise<FileStore>;
  /** Undefined when nobody answered in time. */
  request(
    subject: string,
    payload: Uint8Array | string,
    timeoutMs: number,
    headers?: HeaderPairs,
  ): Promise<Uint8Array | undefined>;
  /** As `request`, with the answer's headers. */
  ask(
    subject: string,
    payload: Uint8Array | string,
    timeoutMs: number,
    headers?: HeaderPairs,
  ): Promise<{ data: Uint8Array; headers: MessageHeaders } | undefined>;
  /** Every answer that arrives within the time. */
  requestMany(subject: string, payload: Uint8Array | string, timeoutMs: number): Promise<Uint8Array[]>;
  /**
   * Answers requests; members of one group share them. Until the signal aborts. What the handler throws is the answer, as an
   * error body. It begins with every request at once: who answers strangers bounds that with `createTurns`.
   */
  serve(
    subject: string,
    group: string | undefined,
    handler: (request: Request) => Promise<void>,
    signal: AbortSignal,
  ): void;
  /** Called on every loss and return of the connection. Returns how to stop. */
  onConnection(listener: (connected: boolean) => void): () => void;
  close(): Promise<void>;
}
