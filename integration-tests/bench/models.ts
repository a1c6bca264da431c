/**
 * `npm run bench:models [-- folder]`: how well the embedded recogniser reads held-out sentences, through the engine that the pipeline runs.
 * Writes models.md. The last line is JSON: wer_seen_espeak, wer_seen_flite, wer_seen_festival, wer_unseen_variants,
 * wer_unseen_speaker, wer_unseen_engine, phrases_150, phrases_99 and more.
 *
 * Decoded is the product's default; greedy is the same model in a folder whose manifest names no lexicon, so that the engine
 * writes what the character head says. A phrase list of all phrases, and for each phrase a list of it and 99 that differ in one
 * word, are asked for as a caller would. The script fails where a rate is worse than its bar.
 */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { countErrors, type ErrorCount, wordErrorRate } from "../src/word-error-rate.ts";
import { readSpeechSet, type Utterance } from "./load/speech-sets.ts";
import { type EngineAlone, jobOf, startEngineAlone } from "./measure/engine-alone.ts";
import { machine } from "./measure/machine.ts";
import { round } from "./measure/statistics.ts";

const shipped = fileURLToPath(new URL("../../models/parlance-en/", import.meta.url));
/** Another model of the same architecture may be measured; the page is only written for the one that ships. */
const folder = resolve(process.argv[2] ?? shipped);
const PASS_SIZE = 16;
const DISTRACTORS = 99;

/** What each set is, the figure that it gives, and the rate that it claims to stay under. */
const sets = [
  { name: "espeak-seen", figure: "wer_seen_espeak", what: "espeak-ng, voices of the training", bar: 8 },
  { name: "flite-seen", figure: "wer_seen_flite", what: "flite, voices of the training", bar: 8 },
  { name: "festival-seen", figure: "wer_seen_festival", what: "festival, voices of the training", bar: 8 },
  {
    name: "espeak-unseen-variants",
    figure: "wer_unseen_variants",
    what: "espeak-ng, other settings",
    bar: 8,
  },
  {
    name: "unseen-speaker",
    figure: "wer_unseen_speaker",
    what: "a speaker never heard (RHVoice clb)",
    bar: 25,
  },
  {
    name: "unseen-engine",
    figure: "wer_unseen_engine",
    what: "engines never heard (RHVoice bdl and alan, SVOX Pico)",
    bar: 40,
  },
] as const;
const PHRASE_BARS = { phrases_150: 99, phrases_99: 92 };

const transcription = z.object({ text: z.string() });

const { name: model, version } = z
  .object({ name: z.string(), version: z.string() })
  .parse(JSON.parse(await readFile(join(folder, "manifest.json"), "utf8")));
const greedyFolder = await withoutLexicon();
const decodedEngine = await startEngineAlone(folder);
const greedyEngine = await startEngineAlone(greedyFolder);
const figures: Record<string, number> = {};
const rows: string[] = [];
try {
  for (const { name, figure, what, bar } of sets) {
    const utterances = await readSpeechSet(name);
    const decoded = await errorsOf(decodedEngine, utterances);
    const greedy = await errorsOf(greedyEngine, utterances);
    figures[figure] = round(wordErrorRate(decoded), 1);
    figures[figure.replace("wer", "greedy")] = round(wordErrorRate(greedy), 1);
    const by = (key: "kind" | "voice") => ratesBy(utterances, decoded, key);
    rows.push(
      `| ${what} | ${utterances.length} | ${figures[figure.replace("wer", "greedy")]} | **${figures[figure]}** | ${bar} | ${by("kind")} | ${by("voice")} |`,
    );
    console.log(
      `${what}: decoded ${figures[figure]} %, greedy ${figures[figure.replace("wer", "greedy")]} % (${by("kind")}; ${by("voice")})`,
    );
  }
  const phrases = await readSpeechSet("phrases");
  const all = phrases.map(({ text }) => text);
  const words = [...new Set(all.flatMap((text) => text.split(" ")))].sort();
  figures.phrases_150 = await accuracy(phrases, () => all);
  figures.phrases_99 = await accuracy(phrases, (text, index) => oneWordDifferent(text, words, index));
  console.log(
    `phrase lists: ${figures.phrases_150} % of ${phrases.length}, ${figures.phrases_99} % among one-word-different ones`,
  );
} finally {
  await Promise.all([decodedEngine.close(), greedyEngine.close()]);
  await rm(greedyFolder, { recursive: true });
}
if (folder === resolve(shipped)) await writeFile(new URL("models.md", import.meta.url), page());

const missed = [
  ...sets.filter(({ figure, bar }) => (figures[figure] ?? 100) > bar).map(({ figure }) => figure),
  ...Object.entries(PHRASE_BARS)
    .filter(([figure, bar]) => (figures[figure] ?? 0) < bar)
    .map(([figure]) => figure),
];
if (missed.length > 0) {
  console.error(`worse than the bar: ${missed.join(", ")}`);
  process.exitCode = 1;
}
console.log(JSON.stringify({ model, version, ...figures }));

/** The model's folder again, with a manifest that knows neither lexicon nor language model. */
async function withoutLexicon(): Promise<string> {
  const manifest = z
    .looseObject({ files: z.record(z.string(), z.unknown()), ctc: z.looseObject({}) })
    .parse(JSON.parse(await readFile(join(folder, "manifest.json"), "utf8")));
  const greedy = await mkdtemp(join(tmpdir(), "parlance-greedy-"));
  const { lexicon, languageModel, quick, ...files } = manifest.files;
  if (lexicon === undefined) throw new Error(`${folder} names no lexicon`);
  await symlink(join(folder, "model.onnx"), join(greedy, "model.onnx")).catch(() =>
    cp(join(folder, "model.onnx"), join(greedy, "model.onnx")),
  );
  await writeFile(join(greedy, "manifest.json"), JSON.stringify({ ...manifest, files }));
  return greedy;
}

async function errorsOf(engine: EngineAlone, utterances: readonly Utterance[]): Promise<ErrorCount[]> {
  const texts = await transcribe(engine, utterances, () => []);
  return utterances.map(({ text }, index) => countErrors(text, texts[index] ?? ""));
}

/** Percent of the utterances for which the engine chose their own phrase of the list. */
async function accuracy(
  utterances: readonly Utterance[],
  listFor: (text: string, index: number) => readonly string[],
): Promise<number> {
  const texts = await transcribe(decodedEngine, utterances, ({ text }, index) => listFor(text, index));
  const right = utterances.filter(({ text }, index) => texts[index] === text).length;
  return round((100 * right) / utterances.length, 1);
}

async function transcribe(
  engine: EngineAlone,
  utterances: readonly Utterance[],
  phrasesFor: (utterance: Utterance, index: number) => readonly string[],
): Promise<string[]> {
  const jobs = utterances.map((utterance, index) =>
    jobOf(utterance.samples, { language: "English", phrases: [...phrasesFor(utterance, index)] }),
  );
  const texts: string[] = [];
  for (let from = 0; from < jobs.length; from += PASS_SIZE) {
    for (const outcome of await engine.outcomes(jobs.slice(from, from + PASS_SIZE))) {
      texts.push(outcome.ok ? transcription.parse(outcome.meta).text : "");
    }
  }
  return texts;
}

/** The phrase and DISTRACTORS others that differ from it in one word; the same list whenever it is made. */
function oneWordDifferent(phrase: string, vocabulary: readonly string[], seed: number): string[] {
  const words = phrase.split(" ");
  const made = new Set([phrase]);
  let state = seed + 1;
  const draw = (below: number) => {
    // Numerical Recipes' generator of 32 bits: enough to pick words, the same on every machine.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  while (made.size <= DISTRACTORS) {
    const changed = [...words];
    changed[draw(words.length)] = vocabulary[draw(vocabulary.length)] ?? "";
    made.add(changed.join(" "));
  }
  return [...made].sort();
}

function ratesBy(utterances: readonly Utterance[], counts: readonly ErrorCount[], key: "kind" | "voice"): string {
  const groups = new Map<string, ErrorCount[]>();
  for (const [index, utterance] of utterances.entries()) {
    // espeak-ng has hundreds of settings: they are one voice here.
    const group = utterance[key].replace(/^espeak:.*/, "espeak-ng").replace(/^.*:/, "");
    const count = counts[index];
    if (count !== undefined) groups.set(group, [...(groups.get(group) ?? []), count]);
  }
  return [...groups].map(([group, of]) => `${group} ${round(wordErrorRate(of), 1)}`).join(", ");
}

function page(): string {
  return `# The embedded recogniser, measured

\`npm run bench:models\`, ${model} ${version}, on ${machine()}.

Word error rates in percent, on sentences that no training text contains, spoken by synthesisers (recordings in
\`integration-tests/bench/speech\`, Ogg Opus at 20 kbit/s). **No human speech is in this table, and nothing in it says how people are read.**

| spoken by | sentences | greedy | **decoded** | bar | decoded, by kind | decoded, by voice |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join("\n")}

Greedy is the character head alone; decoded is the phone head with lexicon and trigram, which is what a request gets.

| phrase list (voices of the training) | right | bar |
| --- | --- | --- |
| one of 150 phrases | ${figures.phrases_150} % | ${PHRASE_BARS.phrases_150} % |
| one of 100 phrases that differ in one word | ${figures.phrases_99} % | ${PHRASE_BARS.phrases_99} % |
`;
}
