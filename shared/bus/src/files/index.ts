/**
 * Files in an object store bucket, in its public layout: streamed in and out (file-store), or part by part with a request for each
 * (file-parts). What a caller sees of them is in files.ts.
 */
export { FILE_CHUNK_BYTES } from "./file-store.ts";
export * from "./files.ts";
