/**
 * Live speech to text over sockets. A session is opened, fed and followed by `openLiveSession`, which speaks to NATS as any publisher
 * does; the routes only turn what their clients say into that.
 */
export {
  type LiveEvents,
  type LiveSession,
  type LiveSessionOptions,
  type LiveWishes,
  openLiveSession,
} from "./live-session.ts";
export { findLiveSession, type LiveEnd, type Resumption } from "./resume.ts";
export type { LiveFinal } from "./session-finals.ts";
