/** Messages as streams hold them and durables deliver them, and what is said when they are published, pulled and read. */
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

/** As a stream republishes it when it is stored. */
export interface FollowedMessage extends StoredMessage {
  /** Sequence of the message before it on the same subject; 0: the stream holds none. */
  before: number;
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
  /** Ends when the newest message is reached, and not at the one that was the newest to begin with: where one server has it all, a question less. */
  toNewest?: boolean;
  /** One message at a time: for large ones whose reader may be slow, and holds what it has not read. */
  oneByOne?: boolean;
  signal?: AbortSignal;
}

export interface LastOptions {
  /** For what never changes once it is there. */
  anyReplica?: boolean | undefined;
  /** Default 10 000. */
  timeoutMs?: number | undefined;
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
