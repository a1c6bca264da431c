import { readSettings } from "@parlance/contracts";
import { expect, test } from "vitest";
import { leaseSettings, yieldSettings } from "./lease-settings.ts";
import { defaultYieldSettings } from "./yield-policy.ts";

test("what the settings say by default is what the simulation chose", () => {
  expect(yieldSettings(readSettings(leaseSettings, {}))).toEqual(defaultYieldSettings);
});
