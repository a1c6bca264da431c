/**
 * Which machine this is, for those who share its CPU: the same in all of its containers, another on every other machine.
 *
 * The kernel's boot id is that, without anything to be mounted. `/etc/machine-id` is not: in a container it is the image's, which
 * two hosts may run. That the boot id is another after a reboot does no harm, because nobody who held a lease outlives that.
 * What gives its containers boot ids of their own (gVisor, systemd-nspawn), or copies a running machine, needs LEASE_MACHINE_ID.
 */
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";

export interface MachineSources {
  bootId(): Promise<string>;
  hostname(): string;
}

const machine: MachineSources = {
  bootId: () => readFile("/proc/sys/kernel/random/boot_id", "utf8"),
  hostname,
};

/** Where there is no Linux, the host's name. */
export async function readMachineId({ bootId, hostname: name }: MachineSources = machine): Promise<string> {
  const id = await bootId().catch(() => "");
  return id.trim() || name();
}
