/**
 * A transcript that is told while it is made: `stream=true` of OpenAI's endpoint, and the endpoint that always streams.
 *
 * Its batch is published with the wish `parts`: ingest then cuts a short first segment and publishes while it decodes, and workers
 * tell what is certain of a segment before it ends. Here the segments' results, their parts and the item's end become one text
 * (`text-deltas`), which is followed on the bus (`follow-text`) and written as events (`event-stream`). Nothing is kept but the
 * text: a caller that stops reading holds no more than one transcript's text for as long as it is waited for, and one that leaves
 * has its batch cancelled.
 *
 * REQUEST_TIMEOUT bounds the silence here, not the whole: an hour's audio streams for as long as something of it is heard.
 */
export { streamTranscript } from "./stream-transcript.ts";
