/**
 * One connection to NATS that never gives up: every other file of this package reaches the server through a link.
 *
 * What is asked through it (questions) is asked until it is answered (until-answered), which the server's refusals end and its troubles
 * do not (server-error). A leader's word counts only when it is not older than what this connection has seen (stream-info, seen-sequences).
 */
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { errors, type NatsConnection } from "nats";
import { ConnectionLost } from "./connection-lost.ts";
import { createQuestions, type Questions } from "./questions.ts";
import { rememberSequences, type SeenSequences } from "./seen-sequences.ts";

/** The part of a pino logger that the bus uses. */
export interface BusLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export type Refusal = InstanceType<typeof errors.PermissionViolationError>;

export interface Link {
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
  /** Where answers to this connection arrive. */
  readonly inboxPrefix: string;
  readonly log: BusLog | undefined;
  readonly connected: boolean;
  /** `performance.now()` of the newest connect. */
  readonly connectedSince: number;
  readonly closed: boolean;
  readonly seen: SeenSequences;
  readonly ask: Questions["ask"];
  onConnection(listener: (connected: boolean) => void): () => void;
  /** Called when the server refuses a publish or a subscription of this connection's user. Returns how to stop. */
  onRefusal(listener: (refused: Refusal) => void): () => void;
  /** True once connected; false after `timeoutMs`, on abort and on close. */
  whenConnected(timeoutMs: number, signal?: AbortSignal): Promise<boolean>;
  /** Settles as `work` does, but rejects with `ConnectionLost` at once when the connection goes away. */
  whileConnected<T>(work: Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export async function createLink(nc: NatsConnection, inboxPrefix: string, log: BusLog | undefined): Promise<Link> {
  const listeners = new Set<(connected: boolean) => void>();
  const refusalListeners = new Set<(refused: Refusal) => void>();
  const questions = createQuestions(nc, inboxPrefix);
  let connected = true;
  let connectedSince = performance.now();
  let closing = false;

  function change(next: boolean): void {
    if (next === connected) return;
    connected = next;
    if (next) connectedSince = performance.now();
    else questions.lose();
    for (const listener of [...listeners]) listener(next);
  }

  const watching = (async () => {
    for await (const status of nc.status()) {
      if (status.type === "disconnect" && !closing) {
        log?.warn({ server: status.server }, "NATS went away; reconnecting");
        change(false);
      } else if (status.type === "reconnect") {
        log?.info({ server: status.server }, "NATS is back");
        change(true);
      } else if (status.type === "error") {
        log?.warn({ err: status.error }, "NATS reported an error");
        if (status.error instanceof errors.PermissionViolationError) {
          questions.refuse(status.error);
          for (const listener of [...refusalListeners]) listener(status.error);
        }
      }
    }
    change(false);
  })();
  const jsm = await jetstreamManager(nc, { checkAPI: false });

  function onConnection(listener: (connected: boolean) => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  return {
    nc,
    jsm,
    inboxPrefix,
    log,
    seen: rememberSequences(),
    ask: questions.ask,
    get connected() {
      return connected;
    },
    get connectedSince() {
      return connectedSince;
    },
    get closed() {
      return closing || nc.isClosed();
    },
    onConnection,
    onRefusal(listener) {
      refusalListeners.add(listener);
      return () => refusalListeners.delete(listener);
    },
    whenConnected(timeoutMs, signal) {
      if (connected) return Promise.resolve(true);
      if (closing || nc.isClosed() || signal?.aborted || timeoutMs <= 0) return Promise.resolve(false);
      return new Promise((resolve) => {
        const finish = (result: boolean) => {
          clearTimeout(timer);
          stop();
          signal?.removeEventListener("abort", aborted);
          resolve(result);
        };
        const aborted = () => finish(false);
        const timer = setTimeout(() => finish(false), timeoutMs);
        const stop = onConnection((up) => finish(up));
        signal?.addEventListener("abort", aborted, { once: true });
      });
    },
    whileConnected(work) {
      return new Promise((resolve, reject) => {
        const stop = onConnection((up) => {
          if (!up) reject(new ConnectionLost("the connection to NATS was lost"));
        });
        work.then(resolve, reject).finally(stop);
      });
    },
    async close() {
      if (closing) return;
      closing = true;
      // Draining hands over what has arrived; a connection that is down has nothing to drain.
      if (connected && !nc.isClosed()) await nc.drain().catch(() => nc.close());
      else await nc.close();
      change(false);
      await watching;
    },
  };
}
