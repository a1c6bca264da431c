/** Which GPUs CUDA would see, and in which order: what the machine has, as far as CUDA_VISIBLE_DEVICES shows it. Pure. */

/** A GPU as its driver knows it. */
export interface Gpu {
  /** `GPU-…` */
  uuid: string;
  name: string;
  /** UUIDs of the slices that it is cut into (`MIG-…`): each is an accelerator then, and the whole is none. */
  slices: readonly string[];
}

/**
 * UUIDs of what `cuda:0`, `cuda:1` … are. As in CUDA, numbers are places among the GPUs, the beginning of a UUID names it, and the
 * first entry that is neither ends the list. Slices are counted each, where CUDA shows a process one of them.
 *
 * @param gpus by their place on the PCI bus
 * @param setting the value of CUDA_VISIBLE_DEVICES
 */
export function visibleGpus(gpus: readonly Gpu[], setting: string | undefined): string[] {
  const usable = ({ uuid, slices }: Gpu): readonly string[] => (slices.length > 0 ? slices : [uuid]);
  if (setting === undefined) return gpus.flatMap(usable);
  const visible = new Set<string>();
  for (const entry of setting.split(",").map((part) => part.trim())) {
    const named = namedBy(entry);
    if (named.length === 0) break;
    for (const uuid of named) visible.add(uuid);
  }
  return [...visible];

  function namedBy(entry: string): readonly string[] {
    if (/^\d+$/.test(entry)) return gpus.slice(Number(entry), Number(entry) + 1).flatMap(usable);
    if (/^gpu-/i.test(entry)) {
      const found = gpus.filter(({ uuid }) => begins(uuid, entry));
      return found.length === 1 ? found.flatMap(usable) : [];
    }
    if (!/^mig-/i.test(entry)) return [];
    const found = gpus.flatMap(({ slices }) => slices).filter((uuid) => begins(uuid, entry));
    return found.length === 1 ? found : [];
  }
}

function begins(uuid: string, prefix: string): boolean {
  return uuid.toLowerCase().startsWith(prefix.toLowerCase());
}
