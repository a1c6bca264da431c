/**
 * Streams of the time before there were accounts: nats-server keeps them in a folder named by their account, `$G` where none is
 * named. They become SPEECH's, with all that was accepted and is not done, by the folder's name alone.
 */
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { SPEECH } from "../accounts/account-names.ts";

/** Before the server starts. True when there was something to adopt. */
export function adoptStreams(storeDir: string): boolean {
  const nameless = join(storeDir, "jetstream", "$G");
  const ours = join(storeDir, "jetstream", SPEECH);
  if (!existsSync(nameless) || existsSync(ours)) return false;
  renameSync(nameless, ours);
  return true;
}
