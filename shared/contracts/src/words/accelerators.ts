/**
 * An accelerator's id: what its lease is kept under. The same for all who share it, whichever host, container or place in a list
 * they know it by, and nobody else's: a GPU goes by its UUID, a CPU by the machine that it is in.
 */
import * as z from "zod";

/** A subject token, with room for a prefix before any `tokenSchema`. */
export const acceleratorSchema = z.string().regex(/^[A-Za-z0-9_-]{1,96}$/);

export const acceleratorIds = {
  cpu: (machine: string) => toToken(`cpu-${machine}`),
  /** @param uuid `GPU-…` or, of a slice of one, `MIG-…` */
  gpu: (uuid: string) => toToken(uuid),
  /** Of a GPU whose UUID nobody tells: its place in its machine. */
  unnamedGpu: (place: string, machine: string) => toToken(`cuda-${place}-${machine}`),
} as const;

/** Whether a name means it: its id, or what its host calls it, which other hosts may call theirs. */
export function isAccelerator(name: string, it: { accelerator?: string | undefined; device: string }): boolean {
  return name === it.accelerator || name === it.device;
}

function toToken(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]/g, "-");
}
