/** Which services a stack runs, by its settings: three once each, and the workers. */
import * as z from "zod";
import type { PlannedWorker } from "./worker-plan.ts";

export const serviceNameSchema = z.enum(["gateway", "ingest", "results", "transcribe-worker", "tts-worker"]);
export type ServiceName = z.infer<typeof serviceNameSchema>;

export interface PlannedService {
  service: ServiceName;
  /** Tells it from others of its service: the second transcribe worker is `transcribe-worker-2`. */
  name: string;
  /** What it is told and the others are not. */
  settings: Readonly<Record<string, string>>;
}

export function plannedServices(workers: readonly PlannedWorker[]): PlannedService[] {
  const once = (["gateway", "ingest", "results"] as const).map((service) => ({ service, name: service, settings: {} }));
  return [...once, ...workers];
}
