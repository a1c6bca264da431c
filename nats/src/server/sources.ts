/** Where a nats-server is fetched from, in order. */
import type { ServerSource } from "./find-server.ts";

export const serverSources: readonly ServerSource[] = [];
