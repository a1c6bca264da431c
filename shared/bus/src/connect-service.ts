/** How every service is connected: by the same settings, under its own name. */
import type { SettingName, Settings } from "@parlance/contracts";
import { type BusOptions, connectBus } from "./connection.ts";
import type { Bus } from "./types.ts";

export const natsSettings = ["NATS_URL", "NATS_USER", "NATS_PASSWORD"] as const satisfies readonly SettingName[];

/** Throws as `connectBus` does. */
export function connectService(
  name: string,
  { NATS_URL, NATS_USER, NATS_PASSWORD }: Settings<(typeof natsSettings)[number]>,
  options: Pick<BusOptions, "log" | "signal"> = {},
): Promise<Bus> {
  return connectBus({ url: NATS_URL, name, user: NATS_USER, password: NATS_PASSWORD, ...options });
}
