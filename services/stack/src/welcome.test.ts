import { expect, it } from "vitest";
import { welcome } from "./welcome.ts";

const stack = { gatewayUrl: "http://127.0.0.1:1", natsUrl: "nats://127.0.0.1:2", metricsUrl: undefined };
const linesOf = (can: Parameters<typeof welcome>[1]) =>
  welcome(stack, can)
    .split("\n")
    .filter((line) => line.startsWith("  curl "));

it("the lines are those that will work: of what is offered, with a key where one is asked for", () => {
  expect(linesOf({ transcribes: true, speaks: true, keyed: false })).toEqual([
    "  curl -F audio=@integration-tests/demo/audio/lights.wav http://127.0.0.1:1/api/v1/transcribe/file",
    expect.stringMatching(
      /^ {2}curl -H "content-type: application\/json" .* http:\/\/127\.0\.0\.1:1\/v1\/audio\/speech$/,
    ),
  ]);
  expect(linesOf({ transcribes: false, speaks: false, keyed: true })).toEqual([]);
  const keyed = linesOf({ transcribes: true, speaks: true, keyed: true });
  expect(keyed).toHaveLength(2);
  for (const line of keyed) expect(line).toMatch(/^ {2}curl -H "X-API-Key: \$KEY" /);
});
