/** What `npm start` says when everything is up: where it listens and first requests that work. */

/** A recording that ships with the repository, relative to its root. */
const recording = "integration-tests/demo/audio/lights.wav";

export function welcome(
  stack: { gatewayUrl: string; natsUrl: string; metricsUrl: string | undefined },
  { transcribes, speaks, keyed }: { transcribes: boolean; speaks: boolean; keyed: boolean },
): string {
  const key = keyed ? '-H "X-API-Key: $KEY" ' : "";
  const sentence = `-H "content-type: application/json" -d '{"input": "Good morning."}' -o morning.mp3`;
  return [
    "",
    `parlance: everything is up. REST on ${stack.gatewayUrl}, NATS on ${stack.natsUrl}. Ctrl-C stops it.`,
    ...(stack.metricsUrl === undefined ? [] : [`parlance: the metrics of all services are on ${stack.metricsUrl}`]),
    `parlance: the console is on ${stack.gatewayUrl}/`,
    ...(keyed ? ["parlance: KEY stands for one of API_KEYS"] : []),
    ...(transcribes
      ? [
          "parlance: a first transcript:",
          "",
          `  curl ${key}-F audio=@${recording} ${stack.gatewayUrl}/api/v1/transcribe/file`,
          "",
        ]
      : []),
    ...(speaks
      ? ["parlance: a first sentence:", "", `  curl ${key}${sentence} ${stack.gatewayUrl}/v1/audio/speech`, ""]
      : []),
    "",
  ].join("\n");
}
