/**
 * Settings out of the environment. A service picks the names that it uses. A bad value, or a name that looks like ours and is none
 * (misspelt-names.ts), stops the start.
 */
import type * as z from "zod";
import { SpeechError } from "../errors/errors.ts";
import { isForeign, type Misspelling, misspellingOf } from "./misspelt-names.ts";
import { type Setting, type SettingName, type Settings, settingsTable } from "./settings.ts";

/** Everybody's, not ours: they may disagree with a setting of our own and with each other, and may hold a list, one number a level. */
const shared: readonly string[] = ["OMP_NUM_THREADS", "MKL_NUM_THREADS"];

/** Names that begin like this and are in no table are taken for mistakes. */
const ownPrefixes = [
  "ASR_",
  "PARLANCE_",
  "MODEL_HUB",
  "MAX_BATCH",
  "BATCH_WAIT",
  "IDLE_TIME",
  "FILE_T",
  "LEASE_",
  "SEGMENT_SEC",
  "DECODE_",
  "MAX_AUDIO",
  "MAX_UPLOAD",
  "REQUEST_TIMEOUT",
  "ENABLE_ASR",
  "ENABLE_TTS",
  "TTS_",
];

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Parses the named settings from the environment. Throws a SpeechError that names the setting when one is bad, when two
 * aliases of one setting disagree, or when a name looks like a misspelt setting.
 */
export function readSettings<Name extends SettingName>(
  names: readonly Name[],
  environment: Environment,
): Settings<Name> {
  refuseUnknown(environment);
  const settings: Partial<Record<SettingName, unknown>> = {};
  for (const name of names) settings[name] = readSetting(name, environment);
  return settings as Settings<Name>;
}

function readSetting(name: SettingName, environment: Environment): unknown {
  const entry: Setting<z.ZodType> = settingsTable[name];
  const given = [name, ...(entry.aliases ?? [])].filter((key) => (environment[key] ?? "") !== "");
  const own = given.find((key) => key === name) ?? given[0];
  const rival = given.find(
    (key) => key !== own && !shared.includes(key) && environment[key] !== environment[own ?? ""],
  );
  if (own !== undefined && rival !== undefined) {
    throw new SpeechError("validation_failed", `${own} and ${rival} name one setting and disagree`, { param: own });
  }
  const whole = own === undefined ? entry.default : environment[own];
  if (whole === undefined) return undefined;
  const text = own !== undefined && shared.includes(own) ? (whole.split(",")[0] ?? "").trim() : whole;
  const parsed = entry.schema.safeParse(text);
  if (parsed.success) return parsed.data;
  const shown = entry.secret ? "" : ` (it is ${JSON.stringify(text)})`;
  throw new SpeechError(
    "validation_failed",
    `${own ?? name}: ${parsed.error.issues[0]?.message ?? "is not valid"}${shown}`,
    {
      param: own ?? name,
    },
  );
}

/** Every name that is read: settings, and their other names. */
const knownNames: readonly string[] = Object.entries<Setting<z.ZodType>>(settingsTable).flatMap(([name, entry]) => [
  name,
  ...(entry.aliases ?? []),
]);

function refuseUnknown(environment: Environment): void {
  for (const name of Object.keys(environment)) {
    if (knownNames.includes(name) || isForeign(name)) continue;
    const misspelling = misspellingOf(name, knownNames);
    const meant = misspelling === undefined ? "" : `: did you mean ${misspelling.meant}?`;
    if (misspelling?.kind !== "error" && !ownPrefixes.some((prefix) => name.startsWith(prefix))) continue;
    throw new SpeechError("validation_failed", `${name} is not a setting of Parlance${meant}`, { param: name });
  }
}

/** Variables that may be meant for settings, or for another program: to be told at the start. */
export function suspiciousNames(environment: Environment): Misspelling[] {
  return Object.keys(environment).flatMap((name) => misspellingOf(name, knownNames) ?? []);
}
