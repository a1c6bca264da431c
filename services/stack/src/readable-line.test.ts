import { expect, it } from "vitest";
import { readableLine, writerOf } from "./readable-line.ts";

it("a log line becomes one short line for a person", () => {
  const line = JSON.stringify({
    level: 30,
    time: "2026-11-21T09:41:07.123Z",
    pid: 1,
    service: "gateway",
    msg: "listening",
    url: "http://127.0.0.1:8100",
  });
  expect(readableLine("gateway", line)).toBe("09:41:07 gateway           listening url=http://127.0.0.1:8100");
});

it("a warning says that it is one", () => {
  expect(readableLine("ingest", JSON.stringify({ level: 40, msg: "slow", seconds: 3 }))).toBe(
    "ingest            warning: slow seconds=3",
  );
});

it("what is not a log line is passed with the name of who wrote it", () => {
  expect(readableLine("gateway", "gateway: PORT is taken")).toBe("gateway: PORT is taken");
  expect(readableLine("gateway", "{broken")).toBe("gateway: {broken");
});

it.each([
  [JSON.stringify({ level: 30, name: "tts-worker-2", service: "tts-worker", msg: "ready" }), "tts-worker-2"],
  ["gateway: PORT is taken", "gateway"],
  ["(node:12) Warning: something", undefined],
  ["node: bad option", undefined],
  ["{broken", undefined],
])("of %s the writer is %s", (line, writer) => {
  expect(writerOf(line, ["gateway", "tts-worker", "tts-worker-2"])).toBe(writer);
});
