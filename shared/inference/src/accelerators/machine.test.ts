import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readMachineId } from "./machine.ts";

test("a machine goes by what its kernel drew when it booted, which every container of it reads alike", async () => {
  const own = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  expect(own).toMatch(/^[0-9a-f-]{36}$/);
  expect(await readMachineId()).toBe(own);
});

test("where the kernel says nothing, it goes by its name", async () => {
  const bootId = () => Promise.reject(new Error("there is no /proc"));
  expect(await readMachineId({ bootId, hostname: () => "mac.local" })).toBe("mac.local");
});
