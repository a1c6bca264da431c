/** Where a nats-server is fetched from, in order. */
import { debianSource } from "./fetch-debian.ts";
import { releaseSource } from "./fetch-release.ts";
import type { ServerSource } from "./find-server.ts";

export const serverSources: readonly ServerSource[] = [releaseSource(), debianSource()];
