/**
 * Speech to text while the caller waits: this installation's own form, and OpenAI's. Both are one upload, one batch of one item
 * and one transcript; they differ in their fields and in the shape of the answer.
 */
export { addOpenai } from "./openai/openai-endpoints.ts";
export { addTranscribe } from "./transcribe-endpoints.ts";
