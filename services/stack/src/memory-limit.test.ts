import { totalmem } from "node:os";
import { expect, it } from "vitest";
import { memoryLimit } from "./memory-limit.ts";

const GB = 1_000_000_000;
const machine = 16 * GB;
const limit = (files: Record<string, string>) => memoryLimit(machine, (path) => files[path]);

it("is the machine's memory where there are no control groups, or none that has a limit", () => {
  expect(limit({})).toBe(machine);
  expect(limit({ "/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/memory.max": "max\n" })).toBe(machine);
  const unlimited = "9223372036854771712\n";
  const group = "4:memory:/\n";
  expect(limit({ "/proc/self/cgroup": group, "/sys/fs/cgroup/memory/memory.limit_in_bytes": unlimited })).toBe(machine);
});

it("is the least limit of the process's own group and all above it", () => {
  const files = {
    "/proc/self/cgroup": "0::/user.slice/user-1000.slice/app.scope\n",
    "/sys/fs/cgroup/user.slice/memory.max": `${3 * GB}\n`,
    "/sys/fs/cgroup/user.slice/user-1000.slice/memory.max": "max\n",
    "/sys/fs/cgroup/user.slice/user-1000.slice/app.scope/memory.max": `${5 * GB}\n`,
    "/sys/fs/cgroup/other.slice/memory.max": `${GB}\n`,
  };
  expect(limit(files)).toBe(3 * GB);
});

it("is a container's own, where its group is the topmost one that it sees", () => {
  expect(limit({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "2147483648\n" })).toBe(2_147_483_648);
});

it("is read from the first version of control groups too, whose path may be the host's", () => {
  const files = {
    "/proc/self/cgroup": "5:cpu,cpuacct:/docker/1a\n4:memory:/docker/1a\n1:name=systemd:/docker/1a\n0::/\n",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": `${GB}\n`,
  };
  expect(limit(files)).toBe(GB);
});

it("a group that allows more than the machine has allows no more than that", () => {
  expect(limit({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": `${64 * GB}\n` })).toBe(machine);
});

it("of this machine is a number of bytes that it has", () => {
  expect(memoryLimit()).toBeGreaterThan(0);
  expect(memoryLimit()).toBeLessThanOrEqual(totalmem());
});
