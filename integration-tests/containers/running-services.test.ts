import { expect, it } from "vitest";
import { megabytes } from "./running-services.ts";

it("memory is read as Docker and as podman write it", () => {
  expect(megabytes("75.2MiB / 23.5GiB")).toBeCloseTo(78.9, 1);
  expect(megabytes("81.33MB / 25.28GB")).toBeCloseTo(81.33, 5);
  expect(megabytes("1.5GB / 25.28GB")).toBe(1_500);
  expect(megabytes("812kB / 25.28GB")).toBeCloseTo(0.812, 5);
  expect(megabytes("-- / --")).toBeNaN();
});
