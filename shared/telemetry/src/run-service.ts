/** A process with one service, whose settings are the process's environment. */
import { type RunServicesOptions, runServices } from "./run-services.ts";
import type { Service } from "./service.ts";

/** Stays until the process ends. */
export async function runService(service: Service, options?: RunServicesOptions): Promise<void> {
  await runServices([{ name: service.name, service, environment: process.env }], options);
}
