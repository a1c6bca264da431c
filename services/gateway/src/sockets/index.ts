/**
 * WebSockets. One room lets them in: it looks at path, key, host and origin, and at how many the caller has, before anything is
 * upgraded, and answers every other path as HTTP would. What is said on a socket is its route's business (`SocketRoute`).
 *
 * It promises that a socket that reads slowly costs at most a megabyte and ten seconds, that one that is gone is noticed within a
 * minute, and that all are told when the gateway stops. It keeps no state but the sockets that are open.
 */
export { addSocketPaths } from "./socket-paths.ts";
export type { Caller, Socket, SocketEnd, SocketListener, SocketRequest, SocketRoute } from "./socket-route.ts";
export { createUpgradeRoom, type SocketLimits, type UpgradeRoom } from "./upgrade-room.ts";
