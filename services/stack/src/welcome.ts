/** What `npm start` says when everything is up: where it listens and a first request that works. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

const samplesFolder = "models/parlance-en/samples";

/** A recording that ships with the repository, relative to its root; undefined when there is none. */
export function sampleFile(root = "."): string | undefined {
  if (!existsSync(join(root, samplesFolder))) return undefined;
  const name = readdirSync(join(root, samplesFolder))
    .sort()
    .find((file) => /\.(wav|flac)$/.test(file));
  return name === undefined ? undefined : `${samplesFolder}/${name}`;
}

export function welcome(stack: { gatewayUrl: string; natsUrl: string }): string {
  const sample = sampleFile() ?? "recording.wav";
  return [
    "",
    `parlance: everything is up. REST on ${stack.gatewayUrl}, NATS on ${stack.natsUrl}. Ctrl-C stops it.`,
    "parlance: a first transcript:",
    "",
    `  curl -F audio=@${sample} ${stack.gatewayUrl}/api/v1/transcribe/file`,
    "",
    "",
  ].join("\n");
}
