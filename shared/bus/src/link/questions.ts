/**
 * Requests and their answers, over one inbox for all of a connection. The client library does the same; but it makes an error with its
 * stack for each request that is answered, and has two promises race. A drop is some ten requests: a fifth of what results did was that.
 *
 * Whatever becomes of a question is known once: its answer, the server's refusal, nobody to answer, its time, or the connection's loss.
 */
import { createInbox, errors, type Msg, type MsgHdrs, type NatsConnection } from "nats";
import { receivedHeaders } from "../streams/message-headers.ts";
import { ConnectionLost } from "./connection-lost.ts";

export interface Question {
  timeoutMs: number;
  headers?: MsgHdrs | undefined;
}

export interface Questions {
  /**
   * Rejects with a TimeoutError, a NoRespondersError, the PermissionViolationError of a refusal, with ConnectionLost as soon as the
   * connection goes away, and with what the client library throws at what cannot be published.
   */
  ask(subject: string, payload: Uint8Array | string, question: Question): Promise<Msg>;
  /** The connection is away. */
  lose(): void;
  /** The server refuses a publish or a subscription. */
  refuse(refused: InstanceType<typeof errors.PermissionViolationError>): void;
}

interface Asked {
  subject: string;
  resolve: (answer: Msg) => void;
  reject: (error: Error) => void;
  timer: NodeJS.Timeout;
}

const NO_RESPONDERS = 503;

export function createQuestions(nc: NatsConnection, inboxPrefix: string): Questions {
  const open = new Map<string, Asked>();
  let inbox: string | undefined;
  let asked = 0;

  /** Made with the first question. A subscription that the server refused is made anew with the next one. */
  function listen(): string {
    const own = `${createInbox(inboxPrefix)}.`;
    nc.subscribe(`${own}*`, {
      callback(error, message) {
        if (error === null) answer(message.subject.slice(own.length), message);
        else if (inbox === own) {
          inbox = undefined;
          rejectAll(() => error);
        }
      },
    });
    return own;
  }

  function answer(token: string, message: Msg): void {
    const question = take(token);
    if (question === undefined) return;
    if (isFromNobody(message)) question.reject(new errors.NoRespondersError(question.subject));
    else question.resolve(message);
  }

  /** A message of a stream may begin with a status line of its publisher's; it is told with its sequence. */
  function isFromNobody(message: Msg): boolean {
    if (message.data.byteLength > 0) return false;
    const headers = receivedHeaders(message);
    return headers.code === NO_RESPONDERS && !headers.has("Nats-Sequence");
  }

  /** Undefined where its outcome is known already. */
  function take(token: string): Asked | undefined {
    const question = open.get(token);
    if (question === undefined) return undefined;
    open.delete(token);
    clearTimeout(question.timer);
    return question;
  }

  function rejectAll(errorOf: (question: Asked) => Error | undefined): void {
    for (const [token, question] of [...open]) {
      const error = errorOf(question);
      if (error !== undefined) take(token)?.reject(error);
    }
  }

  return {
    ask(subject, payload, { timeoutMs, headers }) {
      return new Promise((resolve, reject) => {
        inbox ??= listen();
        asked += 1;
        const token = asked.toString(36);
        const timer = setTimeout(() => take(token)?.reject(new errors.TimeoutError()), timeoutMs);
        open.set(token, { subject, resolve, reject, timer });
        const options = { reply: `${inbox}${token}`, ...(headers && { headers }) };
        try {
          nc.publish(subject, payload, options);
        } catch (error) {
          take(token);
          throw error;
        }
      });
    },
    lose() {
      rejectAll(() => new ConnectionLost("the connection to NATS was lost"));
    },
    refuse(refused) {
      if (refused.operation !== "publish") return;
      rejectAll(({ subject }) => (subject === refused.subject ? refused : undefined));
    },
  };
}
