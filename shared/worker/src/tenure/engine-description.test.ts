import { describe, expect, it } from "vitest";
import { readDescription } from "./engine-description.ts";

const whole = {
  name: "m",
  device: "cpu",
  computeType: "int8",
  cuda: false,
  checkSeconds: 0.1,
  loadSeconds: 0.2,
  warmUpSeconds: 0.3,
  refills: true,
};

describe("what an engine says of its model", () => {
  it("is taken as it is", () => {
    expect(readDescription({ ...whole, voices: [] })).toEqual(whole);
  });

  it.each([
    ["without a name", { ...whole, name: undefined }, /: name: /],
    ["with seconds that are no number", { ...whole, loadSeconds: "fast" }, /: loadSeconds: /],
    ["that is no object", "loaded", /: all of it: /],
    ["that is nothing", null, /: all of it: /],
  ])("is an error that says so %s", (_, json, message) => {
    expect(() => readDescription(json)).toThrow(message);
    expect(() => readDescription(json)).toThrow(/^the engine's description of its model cannot be read/);
  });
});
