/**
 * Files in an object store bucket, in its public layout: streamed in and out (file-store), or part by part with a request for each
 * (file-parts). Both keep content in parts (file-chunks) under a description (stored-object); what a caller sees is in files.ts.
 */
export * from "./files.ts";
