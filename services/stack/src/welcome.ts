/** What `npm start` says when everything is up: where it listens and a first request that works. */

/** A recording that ships with the repository, relative to its root. */
const recording = "integration-tests/demo/audio/lights.wav";

export function welcome(stack: { gatewayUrl: string; natsUrl: string }): string {
  return [
    "",
    `parlance: everything is up. REST on ${stack.gatewayUrl}, NATS on ${stack.natsUrl}. Ctrl-C stops it.`,
    "parlance: a first transcript:",
    "",
    `  curl -F audio=@${recording} ${stack.gatewayUrl}/api/v1/transcribe/file`,
    "",
    "",
  ].join("\n");
}
