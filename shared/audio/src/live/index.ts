/**
 * The sound of live sessions: frames of bytes become samples at 16 kHz and probabilities of speech, and these become utterances.
 *
 * A listener (`createListenerPool`) decodes, resamples and hears, in a child process that may die. An endpointer cuts: a pure machine that counts
 * samples and knows no clock. `hearFrom` says from where on audio must be heard again, so that both come to the same as before.
 */
export { createEndpointer, type EndpointerBeginning } from "./endpointer.ts";
export { createFrameDecoder, type FrameDecoder } from "./frame-decoder.ts";
export { firstHeard, hearFrom, WINDOW } from "./hearing-blocks.ts";
export { createListenerPool } from "./listener-pool.ts";
export type { Heard, Listener, ListenerPool, ListenerPoolOptions } from "./listening.ts";
export { frameAfter, frameSamples, heardPosition, ownPosition, phaseOf } from "./live-format.ts";
export type { EndpointEvent, Endpointer, EndpointerOptions, OpenUtterance, RestPoint } from "./utterances.ts";
