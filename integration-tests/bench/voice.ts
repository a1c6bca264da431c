/**
 * `npm run bench:voice`: is the embedded voice understood as well as its teacher, and how fast does it speak?
 * Writes voice.md. The last line is JSON: wer_voice, wer_teacher, wer_voice_pocketsphinx, wer_teacher_pocketsphinx,
 * times_real_time, mb.
 *
 * 200 sentences that no training text contains are spoken by parlance-voice, through the product's own engine code, and by its
 * teacher (flite's slt). Two recognisers write down what they hear: parlance-en, which has heard flite in its training, and
 * pocketsphinx with the model of Debian, which knows only people. The script fails where the voice is more than three points
 * worse than its teacher with either of them, slower than 50 times real time on one core, or larger than 8 MB.
 */
import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { loadAsrModel } from "@parlance/asr";
import { SAMPLE_RATE } from "@parlance/contracts";
import { resolveModel } from "@parlance/model-store";
import { loadTtsModel, type SpeechText } from "@parlance/tts";
import { countErrors, wordErrorRate } from "../src/word-error-rate.ts";
import { machine } from "./measure/machine.ts";
import { round } from "./measure/statistics.ts";

const MODEL = "parlance-voice";
const SENTENCES = { everyday: 60, prose: 80, numbers: 30, names: 30 };
const PASS_SIZE = 8;
const BARS = { points: 3, timesRealTime: 50, megabytes: 8 };
const DEBIAN = ["flite", "pocketsphinx", "pocketsphinx-en-us"];
const quiet = () => {};

interface Sentence {
  kind: string;
  text: string;
}

interface Spoken {
  sentence: Sentence;
  /** 16 kHz. */
  samples: Int16Array;
}

if (!installed()) {
  console.error(`bench:voice compares with programs of Debian: apt-get install ${DEBIAN.join(" ")}`);
  process.exit(2);
}
const sentences = await readSentences();
const folder = await mkdtemp(join(tmpdir(), "parlance-voice-"));
const figures: Record<string, number> = {};
const rows: string[] = [];
let version = "";
try {
  const { spoken: voice, timesRealTime } = await speakWithVoice();
  const teacher = await speakWithTeacher();
  // pocketsphinx is slow and a process of its own: it hears both at once.
  const listening = Object.entries({ voice, teacher }).map(async ([name, spoken]) => {
    const pocketsphinx = hearWithPocketsphinx(spoken, name);
    return { name, spoken, en: await hearWithParlance(spoken), pocketsphinx: await pocketsphinx };
  });
  for (const { name, spoken, ...heard } of await Promise.all(listening)) {
    const seconds = spoken.reduce((sum, { samples }) => sum + samples.length / SAMPLE_RATE, 0);
    figures[`wer_${name}`] = errorRate(heard.en);
    figures[`wer_${name}_pocketsphinx`] = errorRate(heard.pocketsphinx);
    rows.push(
      `| ${name === "voice" ? MODEL : "its teacher, flite slt"} | ${seconds.toFixed(0)} s | **${figures[`wer_${name}`]}** | ${byKind(heard.en)} | **${figures[`wer_${name}_pocketsphinx`]}** | ${byKind(heard.pocketsphinx)} |`,
    );
    console.log(rows.at(-1));
  }
  figures.times_real_time = round(timesRealTime, 0);
  figures.mb = await megabytes();
} finally {
  await rm(folder, { recursive: true });
}
await writeFile(new URL("voice.md", import.meta.url), page());

const failed = [
  ...["", "_pocketsphinx"]
    .map((recogniser) => ({
      recogniser,
      more: (figures[`wer_voice${recogniser}`] ?? 100) - (figures[`wer_teacher${recogniser}`] ?? 0),
    }))
    .filter(({ more }) => more > BARS.points)
    .map(({ recogniser, more }) => `wer_voice${recogniser} is ${more.toFixed(1)} points above the teacher's`),
  ...((figures.times_real_time ?? 0) < BARS.timesRealTime ? [`${figures.times_real_time} times real time`] : []),
  ...((figures.mb ?? 100) > BARS.megabytes ? [`${figures.mb} MB`] : []),
];
if (failed.length > 0) {
  console.error(`missed: ${failed.join("; ")}`);
  process.exitCode = 1;
}
console.log(JSON.stringify({ model: MODEL, version, ...figures }));

function installed(): boolean {
  const answers = (program: string, ...args: string[]) =>
    spawnSync(program, args, { stdio: "ignore" }).error === undefined;
  return (
    answers("flite", "--version") && answers("pocketsphinx_batch") && existsSync("/usr/share/pocketsphinx/model/en-us")
  );
}

/** The recogniser's test sentences: the recipes drop every prompt that holds one of them. */
async function readSentences(): Promise<Sentence[]> {
  const chosen: Sentence[] = [];
  for (const [kind, count] of Object.entries(SENTENCES)) {
    const path = fileURLToPath(new URL(`../../models/recipes/parlance-en/test/${kind}.txt`, import.meta.url));
    const texts = (await readFile(path, "utf8")).trim().split("\n").slice(0, count);
    if (texts.length < count) throw new Error(`${path} has ${texts.length} sentences, ${count} are wanted`);
    chosen.push(...texts.map((text) => ({ kind, text })));
  }
  return chosen;
}

/** Times real time is seconds of speech by seconds of processor time on one thread: others on the machine do not change it. */
async function speakWithVoice(): Promise<{ spoken: Spoken[]; timesRealTime: number }> {
  const model = await loadTtsModel({ modelId: MODEL, device: "cpu", computeType: "auto", threads: 1, log: quiet });
  if (model.description.sampleRate !== SAMPLE_RATE) throw new Error(`the recognisers want ${SAMPLE_RATE} Hz`);
  const spoken: Spoken[] = [];
  try {
    await model.speak(sentences.slice(0, PASS_SIZE).map(toRow));
    const began = process.cpuUsage();
    for (let from = 0; from < sentences.length; from += PASS_SIZE) {
      const pass = sentences.slice(from, from + PASS_SIZE);
      const outcomes = await model.speak(pass.map(toRow));
      for (const [at, sentence] of pass.entries()) {
        const outcome = outcomes[at];
        if (outcome?.ok !== true) throw new Error(`"${sentence.text}": ${outcome?.failure.message ?? "no outcome"}`);
        spoken.push({ sentence, samples: outcome.result.samples });
      }
    }
    const { user, system } = process.cpuUsage(began);
    const seconds = spoken.reduce((sum, { samples }) => sum + samples.length / SAMPLE_RATE, 0);
    return { spoken, timesRealTime: (seconds * 1e6) / (user + system) };
  } finally {
    await model.close();
  }
}

function toRow({ text }: Sentence): SpeechText {
  return { text, language: "English", voice: undefined, instructions: "", reference: undefined, seed: 0, speed: 1 };
}

async function speakWithTeacher(): Promise<Spoken[]> {
  const spoken: Spoken[] = [];
  for (const sentence of sentences) {
    const path = join(folder, "teacher.wav");
    await run("flite", ["-voice", "slt", "-t", sentence.text, "-o", path]);
    const wav = await readFile(path);
    if (wav.readUInt32LE(24) !== SAMPLE_RATE) throw new Error(`flite spoke at ${wav.readUInt32LE(24)} Hz`);
    // flite writes the plain header of 44 bytes.
    spoken.push({
      sentence,
      samples: new Int16Array(wav.buffer.slice(wav.byteOffset + 44, wav.byteOffset + wav.length)),
    });
  }
  return spoken;
}

interface Heard {
  sentence: Sentence;
  text: string;
}

async function hearWithParlance(spoken: readonly Spoken[]): Promise<Heard[]> {
  const model = await loadAsrModel({
    modelId: "parlance-en",
    device: "cpu",
    computeType: "auto",
    threads: 1,
    log: quiet,
  });
  const heard: Heard[] = [];
  try {
    for (const { sentence, samples } of spoken) {
      const [outcome] = await model.transcribe([
        { samples, language: "English", timestamps: false, hotwords: [], phrases: [] },
      ]);
      if (outcome?.ok !== true) throw new Error(`"${sentence.text}" was not transcribed`);
      heard.push({ sentence, text: outcome.result.text });
    }
    return heard;
  } finally {
    await model.close();
  }
}

/** Silence of a fifth of a second around each sentence, as its recordings of people have. */
async function hearWithPocketsphinx(spoken: readonly Spoken[], name: string): Promise<Heard[]> {
  const silence = Buffer.alloc((SAMPLE_RATE / 5) * 2);
  const names = spoken.map((_, at) => `${name}-${String(at).padStart(3, "0")}`);
  for (const [at, { samples }] of spoken.entries()) {
    const sound = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
    await writeFile(join(folder, `${names[at]}.raw`), Buffer.concat([silence, sound, silence]));
  }
  const list = join(folder, `${name}.list`);
  const heard = join(folder, `${name}.heard`);
  await writeFile(list, names.map((line) => `${line}\n`).join(""));
  await run("pocketsphinx_batch", ["-adcin", "yes", "-cepdir", folder, "-cepext", ".raw", "-ctl", list, "-hyp", heard]);
  const lines = (await readFile(heard, "utf8")).trim().split("\n");
  if (lines.length !== spoken.length)
    throw new Error(`pocketsphinx answered ${lines.length} of ${spoken.length} sentences`);
  // Each line ends with the sentence's name and a score in brackets; pronunciations are numbered as in "the(2)".
  return spoken.map(({ sentence }, at) => ({
    sentence,
    text: (lines[at] ?? "").replace(/\s*\(\S+ -?\d+\)$/, "").replaceAll(/\(\d+\)/g, ""),
  }));
}

async function run(program: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)(program, [...args], { maxBuffer: 2 ** 28 });
}

function errorRate(heard: readonly Heard[]): number {
  return round(wordErrorRate(heard.map(({ sentence, text }) => countErrors(sentence.text, text))), 1);
}

function byKind(heard: readonly Heard[]): string {
  return Object.keys(SENTENCES)
    .map((kind) => `${kind} ${errorRate(heard.filter(({ sentence }) => sentence.kind === kind))}`)
    .join(", ");
}

async function megabytes(): Promise<number> {
  const { manifest } = await resolveModel({ modelId: MODEL, log: quiet });
  version = manifest.version;
  return round(Object.values(manifest.files).reduce((sum, { bytes }) => sum + bytes, 0) / 1e6, 1);
}

function page(): string {
  return `# The embedded voice, measured

\`npm run bench:voice\`, ${MODEL} ${version}, on ${machine()}.

${sentences.length} sentences that no training text contains, spoken by the voice through the product's engine code and by its teacher, flite's slt.
Word error rates in percent of what two recognisers heard: parlance-en, which was trained on synthesisers (flite among them), and
pocketsphinx with Debian's model of American English, which was trained on people. They compare two synthesisers with one another; none
of them says how well people understand either.

| spoken by | speech | parlance-en | by kind | pocketsphinx | by kind |
| --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

The bar: at most ${BARS.points} points worse than the teacher with either recogniser. **${figures.times_real_time} times real time** in processor time on one thread (text
to samples; bar ${BARS.timesRealTime}), **${figures.mb} MB** with the lexicon (bar ${BARS.megabytes}).
`;
}
