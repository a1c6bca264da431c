/**
 * Streams: what they hold and bring (messages), as the pipeline needs them to behave.
 *
 *   publish-once    a message is stored once or refused, whatever the connection does
 *   pull, delivery  a durable's messages as soon as there are any, and their outcome
 *   read            everything of a subject, whole or not at all; stored-message, message-headers: one of them
 *   state           counts and floors that never run ahead of what is true;  outcome-room  whether new work may begin
 *   dead-letter     what cannot be handled, set aside with all that is needed to run it again
 */
export * from "./dead-letter.ts";
export * from "./messages.ts";
export * from "./outcome-room.ts";
