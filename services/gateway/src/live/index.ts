/**
 * Live speech to text over sockets. A session is opened, fed and followed by `openLiveSession`, which speaks to NATS as any publisher
 * does; the routes only turn what their clients say into that.
 */

export type { LiveWishes } from "./frame-publisher.ts";
export { listenRoute } from "./listen-socket.ts";
export { type LiveEvents, type LiveSession, type LiveSessionOptions, openLiveSession } from "./live-session.ts";
export { findLiveSession, type LiveEnd, type Resumption } from "./resume.ts";
export type { LiveFinal } from "./session-finals.ts";
export { transcribeRoute } from "./transcribe-socket.ts";
