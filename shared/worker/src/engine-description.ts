/** What an engine tells of itself once its model is loaded. */
import type { Json } from "@parlance/inference/engine";

export interface EngineDescription {
  name: string;
  device: string;
  computeType: string;
  cuda: boolean;
  /** Finding the model and verifying its files: a part of the loading. */
  checkSeconds: number;
  loadSeconds: number;
  warmUpSeconds: number;
}

export function readDescription(json: Json): EngineDescription {
  const fields = typeof json === "object" && json !== null && !Array.isArray(json) ? { ...json } : {};
  const text = (name: string) => String((fields as Record<string, unknown>)[name] ?? "unknown");
  const seconds = (name: string) => Number((fields as Record<string, unknown>)[name] ?? 0);
  return {
    name: text("name"),
    device: text("device"),
    computeType: text("computeType"),
    cuda: (fields as Record<string, unknown>).cuda === true,
    checkSeconds: seconds("checkSeconds"),
    loadSeconds: seconds("loadSeconds"),
    warmUpSeconds: seconds("warmUpSeconds"),
  };
}
