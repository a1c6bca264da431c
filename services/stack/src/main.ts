/** `npm start`: the whole pipeline on this machine, until Ctrl-C. */
import { fileURLToPath } from "node:url";
import { readSettings, requireAgreement, settingsTogether, suspiciousNames, toSpeechError } from "@parlance/contracts";
import { createLog, keepHeapSmall } from "@parlance/telemetry";
import { readableLine } from "./readable-line.ts";
import { type Stack, stackSettings, startStack } from "./stack.ts";
import { welcome } from "./welcome.ts";

// Relative folders and the printed curl line mean the repository, wherever this was started from.
process.chdir(fileURLToPath(new URL("../../..", import.meta.url)));

let stack: Stack | undefined;
let stopping = false;

const stop = async (status: number) => {
  if (stopping) return;
  stopping = true;
  process.stdout.write("\nparlance: stopping\n");
  await stack?.stop();
  process.exit(status);
};
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stop(0));

try {
  const settings = readSettings([...stackSettings, "API_KEYS", "LOG_LEVEL", "LOG_FORMAT"], process.env);
  requireAgreement(readSettings(settingsTogether, process.env));
  const show = (service: string, line: string, stream: "out" | "err") => {
    if (stopping) return;
    const text = settings.LOG_FORMAT === "json" ? line : readableLine(service, line);
    (stream === "err" ? process.stderr : process.stdout).write(`${text}\n`);
  };
  const log = createLog("stack", settings.LOG_LEVEL, {
    destination: { write: (line) => show("stack", line.trimEnd(), "out") },
  });
  for (const { name, meant } of suspiciousNames(process.env)) {
    log.warn({ name }, `${name} is not a setting of Parlance: if it is meant for one, it is ${meant}`);
  }
  stack = await startStack({ settings, environment: process.env, log, onLine: show });
  stack.lost.addEventListener("abort", () => {
    process.stderr.write(`parlance: ${stack?.lost.reason.message}\n`);
    stop(1);
  });
  keepHeapSmall();
  const { ENABLE_ASR: transcribes, ENABLE_TTS: speaks, API_KEYS } = settings;
  process.stdout.write(welcome(stack, { transcribes, speaks, keyed: API_KEYS.length > 0 }));
} catch (error) {
  const known = toSpeechError(error);
  const plain = known.code === "internal" && error instanceof Error ? error.message : known.message;
  process.stderr.write(`parlance: ${plain.replaceAll(/\s*\n\s*/g, " ")}\n`);
  process.exit(1);
}
