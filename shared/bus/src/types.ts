/** What the pipeline asks of NATS JetStream. Services depend on these types; `connectBus` makes the real thing. */
import type { EntryKind } from "@parlance/contracts";
import type { NatsConnection } from "nats";
import type { KeyBucket } from "./keys/key-bucket.ts";

export type HeaderPairs = readonly (readonly [name: string, value: string])[];

export interface PublishOnceOptions {
  headers?: HeaderPairs;
  /** `Nats-Msg-Id`: a second publish with it inside the duplicate window is not stored. */
  messageId?: string;
  /** Store only when the subject holds no message yet: the first writer wins, for ever. */
  first?: boolean;
  signal?: AbortSignal;
  /** Milliseconds after which retrying ends with `bus_unavailable`. Default 10 000. */
  timeoutMs?: number;
}

export interface PublishReceipt {
  seq: number;
  /** True when the stream already had it (same message id, or `first` and the subject was taken). */
  duplicate: boolean;
}

/** A message of a stream, as it was stored. */
export interface StoredMessage {
  subject: string;
  headers: MessageHeaders;
  data: Uint8Array;
  /** Stream sequence. */
  seq: number;
  /** Milliseconds since the epoch. */
  time: number;
}

export interface MessageHeaders {
  get(name: string): string;
  has(name: string): boolean;
  keys(): string[];
  /** What is wrong with them, where they are not as the protocol has them: then only what could be read is there. */
  readonly malformed?: string | undefined;
}

/** A message that a durable consumer delivered and that waits for its outcome. */
export interface Delivery extends StoredMessage {
  /** 1 on the first delivery. */
  deliveries: number;
  /** Messages of the consumer that wait behind this one. */
  pending: number;
  /**
   * Double ack: resolves when the server has it. Throws `bus_unavailable` when the server is away for 10 s, or does not
   * remember the delivery (2 s); the message then comes again. So it does when the server is killed within moments of an ack:
   * it writes messages at once, and what its consumers know a little later.
   */
  ack(): Promise<void>;
  /** Deliver again after `delayMs`. */
  nak(delayMs: number): void;
  /** Restart the ack timer: work goes on. */
  working(): void;
  /** Never deliver again. Publish the dead letter first. */
  term(reason: string): void;
}

export interface PullOptions {
  stream: string;
  durable: string;
  /** Most messages to take. */
  max: number;
  /** Milliseconds to wait for the first one; 0: take only what is there. It returns as soon as there is any. */
  waitMs: number;
  signal?: AbortSignal;
}

export interface ReadOptions {
  stream: string;
  /** Wildcards allowed. */
  subject: string;
  fromSeq?: number;
  /** Payloads are not kept in memory. They are sent all the same: no server leaves them out. */
  headersOnly?: boolean;
  /** Only the newest message of each subject; a subject that is written meanwhile may come twice, its newest last. */
  lastPerSubject?: boolean;
  /** One message at a time: for large ones whose reader may be slow, and holds what it has not read. */
  oneByOne?: boolean;
  signal?: AbortSignal;
}

export interface FileInfo {
  id: string;
  bytes: number;
  contentType: string;
  /** The caller's own name for it; never a path. */
  filename: string;
  /** Milliseconds since the epoch. */
  createdAt: number;
}

/** Files part by part, each with a request of its own. */
export interface FileParts {
  /**
   * Stores a part behind what is stored, and returns where the next one begins. A part that is there already changes nothing. Throws
   * `upload_incomplete` when it begins elsewhere.
   */
  append(id: string, offset: number, part: Uint8Array): Promise<number>;
  /** Makes a file of the parts. Throws `upload_incomplete` when they are not as long, `upload_differs` by their checksum (hex). */
  finish(file: {
    id: string;
    contentType: string;
    filename: string;
    bytes: number;
    sha256?: string | undefined;
  }): Promise<FileInfo>;
  /** A part of a file, the first one or the one that `next` of a part before names. Undefined when there is no such file. */
  readPart(
    id: string,
    next?: string,
  ): Promise<{ info: FileInfo; offset: number; data: Uint8Array; next: string | undefined } | undefined>;
}

/** Bytes of a file from `start` up to and without `end`. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface FileStore extends FileParts {
  /** Streams into the bucket. Throws `payload_too_large` beyond `maxBytes` and leaves nothing behind. */
  put(
    file: {
      id: string;
      contentType: string;
      filename: string;
      maxBytes: number;
    },
    content: AsyncIterable<Uint8Array>,
  ): Promise<FileInfo>;
  info(id: string): Promise<FileInfo | undefined>;
  /**
   * Undefined when there is no such file. Errors when reading stalls (an object whose chunks are gone never ends). What lies before a
   * range is read and thrown away, and only a whole file is checked against its checksum.
   */
  read(id: string, range?: ByteRange): Promise<{ info: FileInfo; content: AsyncIterable<Uint8Array> } | undefined>;
  delete(id: string): Promise<void>;
  list(): Promise<FileInfo[]>;
  /** Deletes the parts of uploads that were never finished (their writer died) and are older than this. Returns how many. */
  sweep(olderThanMs: number): Promise<number>;
}

export interface ConsumerState {
  /** Messages not delivered yet. */
  pending: number;
  /** Messages delivered and not acknowledged. */
  ackPending: number;
  /** Highest stream sequence below which everything is acknowledged. */
  ackFloor: number;
  /** Stream sequence of the newest message that was delivered. */
  delivered: number;
}

export interface StreamState {
  messages: number;
  bytes: number;
  maxBytes: number;
  /** Milliseconds for which a message is kept; 0: for ever. */
  maxAgeMs: number;
  firstSeq: number;
  lastSeq: number;
  /** Of all kinds. */
  consumers: number;
}

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
  /** The newest message of a subject (wildcards allowed), or undefined. */
  last(stream: string, subject: string): Promise<StoredMessage | undefined>;
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
