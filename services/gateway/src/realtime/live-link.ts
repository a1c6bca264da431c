/**
 * A realtime session's live session: opened when it is called for, and fed in order, no faster than it may be. What waits is bounded by
 * what its client is kept from sending.
 */
import { type Failure, type LiveFormat, parseLiveFormat, toSpeechError } from "@parlance/contracts";
import type { GatewayContext } from "../gateway-context.ts";
import { type LiveEvents, type LiveSession, type LiveWishes, openLiveSession } from "../live/index.ts";
import { createPace } from "./pace.ts";
import type { LiveCall } from "./realtime-steps.ts";
import type { RealtimeLiveOptions } from "./session-config.ts";

export interface LiveLink {
  call(call: LiveCall): void;
  /** To be called about once a second. */
  keepAlive(): void;
  cancel(): void;
  /** What was said is kept, and nobody is told. */
  leave(): void;
}

export interface LiveLinkOptions {
  gateway: Pick<GatewayContext, "bus" | "notebook" | "files" | "log">;
  sessionId: string;
  events: Pick<Required<LiveEvents>, "state" | "partial" | "final"> & { ended(failure: Failure | undefined): void };
  /** Whether its client is to wait. */
  hold: (held: boolean) => void;
  now?: () => number;
}

/** Well below any LIVE_IDLE_TIMEOUT that makes sense. */
const KEEPALIVE_MS = 5_000;

export function createLiveLink(options: LiveLinkOptions): LiveLink {
  const { gateway, sessionId, events, hold, now = () => performance.now() } = options;
  const pace = createPace(now);
  const queue: LiveCall[] = [];
  let session: LiveSession | undefined;
  let format: LiveFormat = { encoding: "pcm", rate: 24_000 };
  let calledAt = now();
  let waiting: NodeJS.Timeout | undefined;
  let over = false;

  function open(options: RealtimeLiveOptions): LiveSession {
    format = parseLiveFormat(options.contentType) ?? format;
    return openLiveSession({
      ...{ bus: gateway.bus, notebook: gateway.notebook, files: gateway.files, log: gateway.log },
      ...{ sessionId, format, wishes: wishesOf(options) },
      events: {
        state(state) {
          if (state.type === "heard") pace.heard(state.heard / format.rate);
          events.state(state);
        },
        partial: events.partial,
        final: events.final,
        ended: ({ error }) => end(error),
      },
    });
  }

  const secondsOf = (audio: Uint8Array) => audio.length / (format.encoding === "pcm" ? 2 : 1) / format.rate;

  function run(call: LiveCall): void {
    calledAt = now();
    if (call.do === "open") session = open(call.options);
    else if (call.do === "update") session?.update(wishesOf(call.options));
    else if (call.do === "finalize") session?.finalize();
    else if (call.do === "close") session?.close();
    else {
      session?.send(call.audio);
      pace.sent(secondsOf(call.audio));
    }
  }

  function runAll(): void {
    waiting = undefined;
    try {
      for (let next = queue[0]; next !== undefined && !over; next = queue[0]) {
        const ms = next.do === "audio" ? pace.waitMs(secondsOf(next.audio)) : 0;
        if (ms > 0) {
          waiting = setTimeout(runAll, ms);
          break;
        }
        queue.shift();
        run(next);
      }
    } catch (error) {
      end(toSpeechError(error).toFailure());
    }
    hold(waiting !== undefined);
  }

  function end(failure: Failure | undefined): void {
    if (over) return;
    const before = session;
    stop();
    if (failure !== undefined) before?.close();
    before?.leave();
    events.ended(failure);
  }

  function stop(): void {
    over = true;
    clearTimeout(waiting);
    waiting = undefined;
    queue.length = 0;
  }

  return {
    call(call) {
      if (over) return;
      queue.push(call);
      if (waiting === undefined) runAll();
    },
    keepAlive() {
      if (over || now() - calledAt < KEEPALIVE_MS) return;
      calledAt = now();
      session?.keepAlive();
    },
    cancel() {
      stop();
      session?.cancel();
    },
    leave() {
      stop();
      session?.close();
      session?.leave();
    },
  };
}

/** The format is the session's own, and stays. */
function wishesOf({ contentType: _format, ...wishes }: RealtimeLiveOptions): LiveWishes {
  return wishes;
}
