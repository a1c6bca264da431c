/**
 * Settings that are good by themselves and not together. Checked at the start by whoever knows several of them: a rule
 * speaks only where all of its settings are given, because a container is told no more than what is its own.
 */
import { SpeechError } from "../errors/errors.ts";
import type { SettingName, Settings } from "./settings.ts";

/** A cluster's streams are without a leader for up to 9 s, and nobody can renew a lease meanwhile (raft.go). */
const SHORTEST_CLUSTER_LEASE = 15;

type Some = Partial<Settings>;

interface Rule {
  /** The setting that is to be changed. */
  blames: SettingName;
  /** What is wrong, without the setting's name. */
  problem(settings: Some): string | undefined;
}

const rules: readonly Rule[] = [
  {
    blames: "LEASE_TTL",
    problem: ({ LEASE_TTL = Number.POSITIVE_INFINITY, NATS_REPLICAS = 1 }) =>
      NATS_REPLICAS > 1 && LEASE_TTL < SHORTEST_CLUSTER_LEASE
        ? `is ${LEASE_TTL} s; with NATS_REPLICAS=${NATS_REPLICAS} it must be ${SHORTEST_CLUSTER_LEASE} s or more, because a healthy holder cannot renew its lease while a cluster elects its leaders`
        : undefined,
  },
  {
    blames: "FILE_TTL",
    problem: ({ FILE_TTL = 0, RESULT_TTL = Number.POSITIVE_INFINITY }) =>
      FILE_TTL > RESULT_TTL
        ? `is ${FILE_TTL} s and RESULT_TTL ${RESULT_TTL} s: what names a file must be kept as long as the file`
        : undefined,
  },
  {
    blames: "MAX_UPLOAD_BYTES",
    problem: ({ MAX_UPLOAD_BYTES = 0, FILES_MAX_BYTES = Number.POSITIVE_INFINITY }) =>
      MAX_UPLOAD_BYTES > FILES_MAX_BYTES
        ? `is ${MAX_UPLOAD_BYTES} and FILES_MAX_BYTES ${FILES_MAX_BYTES}: the largest upload could never be stored`
        : undefined,
  },
];

/** The names that the rules speak of. */
export const settingsTogether = [
  "LEASE_TTL",
  "NATS_REPLICAS",
  "FILE_TTL",
  "RESULT_TTL",
  "MAX_UPLOAD_BYTES",
  "FILES_MAX_BYTES",
] as const satisfies readonly SettingName[];

/** Throws `validation_failed` for the first contradiction, naming the setting to change. */
export function requireAgreement(settings: Some): void {
  for (const { blames, problem } of rules) {
    const wrong = problem(settings);
    if (wrong !== undefined) throw new SpeechError("validation_failed", `${blames}: ${wrong}`, { param: blames });
  }
}
