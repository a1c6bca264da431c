/**
 * Text that comes piece by piece over a WebSocket, as a language model writes it, and is spoken as its sentences complete.
 */
export { speakRoute } from "./speak-route.ts";
