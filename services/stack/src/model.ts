/**
 * `npm run model -- list | config | load [<model>] | reload [<model>] | unload`: the models of the workers, what they run and how, and
 * changing what is loaded. Without `--family asr` or `tts` it is about both; a model that is named says its family itself, and
 * `load` without a name must be told one, because a device has room for one. Of several devices `--device cuda:1`, or a device's id
 * as `GET /api/v1/gpu` tells it, means one; otherwise each is meant.
 * It talks to the pipeline that `npm start` runs from the same STATE_DIR, or to NATS_URL. `--json` prints what REST would answer.
 */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Bus, changeWorkerModel, listWorkerModels, readWorkerModels } from "@parlance/bus";
import {
  type Family,
  families,
  familySchema,
  type ModelConfig,
  type ModelRequest,
  modelDownloadSchema,
  modelSubjects,
  modelVerbSchema,
  SpeechError,
  toModelConfig,
  toModels,
  toSpeechError,
} from "@parlance/contracts";
import { connectToRunning } from "./connect-to-running.ts";
import { familiesMeant } from "./families-meant.ts";

/** Of what waits for memory, how often it is asked for again. */
const WAITING_LOOK_MS = 1_000;

const usage =
  "usage: npm run model -- list | config | load [<model>] | reload [<model>] | unload [--family asr|tts] [--device <device>] [--json]";

try {
  await main();
} catch (error) {
  const known = toSpeechError(error);
  const plain = known.code === "internal" && error instanceof Error ? error.message : known.message;
  process.stderr.write(`model: ${plain.replaceAll(/\s*\n\s*/g, " ")}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { family: { type: "string" }, device: { type: "string" }, json: { type: "boolean", default: false } },
  });
  const [first, model, ...rest] = positionals;
  const verb = modelVerbSchema.safeParse(first);
  const family = familySchema.optional().safeParse(values.family);
  const takesModel = verb.data === "load" || verb.data === "reload";
  const misused =
    (model !== undefined && !takesModel) || (values.device !== undefined && !takesModel && first !== "unload");
  if (!verb.success || !family.success || rest.length > 0 || misused) {
    throw new SpeechError("validation_failed", usage);
  }
  const asked = family.data === undefined ? families : [family.data];
  const bus = await connectToRunning("model");
  try {
    const print = (value: unknown, text: string) =>
      process.stdout.write(`${values.json ? JSON.stringify(value, null, 2) : text}\n`);
    if (verb.data === "list") {
      const all = toModels(await ofAll(asked, (each) => listWorkerModels(bus, each)));
      print(all, all.models.map(showModel).join("\n"));
    } else if (verb.data === "config") {
      const configs = (await ofAll(asked, (each) => readWorkerModels(bus, each))).map(toModelConfig);
      print({ workers: configs }, configs.map(showConfig).join("\n\n"));
    } else {
      const lists = await ofAll(asked, (each) => listWorkerModels(bus, each));
      const meant = familiesMeant(verb.data, model, lists);
      const configs: ModelConfig[] = [];
      for (const each of meant) configs.push(...(await change(bus, each, verb.data, { model, device: values.device })));
      print(configs.length === 1 ? configs[0] : { workers: configs }, configs.map(showConfig).join("\n\n"));
    }
  } finally {
    await bus.close();
  }
}

/** What the workers of all these families answer. Throws when none does. */
async function ofAll<T>(asked: readonly Family[], ask: (family: Family) => Promise<T[]>): Promise<T[]> {
  const answers = (await Promise.all(asked.map(ask))).flat();
  if (answers.length === 0) throw new SpeechError("worker_unavailable", `No ${asked.join(" or ")} worker answers.`);
  return answers;
}

/** Until it is done: a worker answers within a minute with how far it has come. */
async function change(
  bus: Bus,
  family: Family,
  verb: "load" | "reload" | "unload",
  request: ModelRequest,
): Promise<ModelConfig[]> {
  const over = new AbortController();
  void showDownload(bus, family, over.signal);
  try {
    const wanted = verb === "unload" ? "unloaded" : "loaded";
    let states = await changeWorkerModel(bus, family, verb, request);
    let told = "";
    while (states.some(({ phase }) => phase !== wanted)) {
      const waits = states.find(({ phase }) => phase === "waiting")?.problem?.message ?? "";
      if (waits !== told) process.stderr.write(`model: ${waits}\n`);
      if (waits !== "") await pause(WAITING_LOOK_MS);
      told = waits;
      states = await changeWorkerModel(bus, family, verb === "unload" ? "unload" : "load", { device: request.device });
    }
    return states.map(toModelConfig);
  } finally {
    over.abort();
  }
}

async function showDownload(bus: Bus, family: Family, signal: AbortSignal): Promise<void> {
  for await (const { data } of bus.subscribe(modelSubjects.progress(family), signal)) {
    const { model, bytes, totalBytes, bytesPerSecond } = modelDownloadSchema.parse(
      JSON.parse(Buffer.from(data).toString()),
    );
    const megabytes = (count: number) => (count / 1e6).toFixed(1);
    const ends = bytes === totalBytes ? "\n" : "";
    process.stderr.write(
      `\rmodel: ${model}: ${megabytes(bytes)} of ${megabytes(totalBytes)} MB, ${megabytes(bytesPerSecond)} MB/s   ${ends}`,
    );
  }
}

function showModel({
  id,
  family,
  architecture,
  bytes,
  complete,
  selected,
  state,
}: ReturnType<typeof toModels>["models"][number]) {
  const size = bytes === null ? "not downloaded" : `${(bytes / 1e6).toFixed(1)} MB`;
  const status = [selected ? state : "", complete || bytes === null ? "" : "incomplete"].filter((word) => word !== "");
  return `${selected ? "*" : " "} ${id}\t${family}\t${architecture ?? "-"}\t${size}\t${status.join(", ")}`.trimEnd();
}

function showConfig(config: ModelConfig): string {
  const { cuda, download, error, ...plain } = config;
  const shown = {
    ...plain,
    cuda: `${cuda.available ? "used" : "not used"}, version ${cuda.version ?? "unknown"}, ${cuda.device_count} devices`,
    ...(download && { download: `${download.bytes} of ${download.total_bytes} bytes` }),
    ...(error && { error: error.message }),
  };
  const lines = Object.entries(shown).map(([name, value]) => `${`${name}:`.padEnd(17)} ${value ?? "-"}`);
  return lines.join("\n");
}
