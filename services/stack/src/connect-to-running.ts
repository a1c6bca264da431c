/** To the pipeline that `npm start` runs from the same STATE_DIR, or to NATS_URL, as the user who may do everything. */
import { resolve } from "node:path";
import { type Bus, connectService, natsSettings } from "@parlance/bus";
import { readSettings } from "@parlance/contracts";
import { readCredentials } from "@parlance/nats";
import { readRunning } from "./running-file.ts";

export async function connectToRunning(name: string): Promise<Bus> {
  const settings = readSettings([...natsSettings, "STATE_DIR"], process.env);
  const stateDir = resolve(settings.STATE_DIR ?? ".parlance");
  const running = readRunning(stateDir);
  const own = running === undefined ? undefined : readCredentials(stateDir)?.topology;
  return await connectService(name, {
    NATS_URL: running?.natsUrl ?? settings.NATS_URL,
    NATS_USER: settings.NATS_USER ?? own?.user,
    NATS_PASSWORD: settings.NATS_PASSWORD ?? own?.password,
  });
}
