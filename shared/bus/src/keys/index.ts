/** Keys of buckets: read and written by the schema of their kind (key-bucket), and watched without missing anything (watch-keys). */
export type { KeyBucket, KeyEntry, KeyEvent } from "./key-bucket.ts";
