/**
 * What windows of live speech tell and cost: `npm run bench:windows -- [model] [cadence in ms] [sessions]`. The last line is JSON.
 *
 * The model's own samples, alone and one behind the other, are heard as they grow, each window in a pass that takes no time:
 * - tail_ms, stable_ms: from a word's end until it stands in the text, and in the stable text;
 * - words_told_otherwise_per_second, windows_that_change_words_percent: how often words that were told are told otherwise later;
 * - stable_word_errors_percent: how much of the stable text the file's text has otherwise;
 * - cost_ms: of a window of 1 to 25 s, with the memory of the window before and without any, and of a file as long;
 * - crowd: the same delays of so many sessions, each with one window in flight, whose passes take the time that they take.
 * Times of passes are processor time on one core.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SAMPLE_RATE, type WindowMemory } from "@parlance/contracts";
import { resolveModel } from "@parlance/model-store";
import { type AsrModel, type AsrSegment, loadAsrModel } from "../src/index.ts";

const [modelId = "parlance-en", cadence = "300", most = "10"] = process.argv.slice(2);
const step = Number(cadence) / 1_000;
const sessions = Number(most);
/** So that processor time is what a pass takes on one core, whatever else the machine does. */
const threads = 1;

interface Utterance {
  samples: Int16Array;
  /** Of the file, with their ends in seconds. */
  words: { text: string; end: number }[];
}

/** A window's answer. */
interface Told {
  /** Seconds of the utterance that it had, and when it was there. */
  heard: number;
  at: number;
  stable: string[];
  text: string[];
}

interface Speaker {
  utterance: Utterance;
  begin: number;
  /** Seconds of its utterance that the next window has at least. */
  next: number;
  memory: WindowMemory | undefined;
  told: Told[];
}

const model = await loadAsrModel({ modelId, device: "cpu", computeType: "auto", threads, log: () => {} });
const segment = (samples: Int16Array, change: Partial<AsrSegment> = {}): AsrSegment => ({
  ...{ samples, language: "auto", timestamps: false, hotwords: [], phrases: [] },
  ...change,
});

const { folder } = await resolveModel({ modelId, log: () => {} });
const clips = await readSamples(join(folder, "samples"));
const long = Array.from({ length: 6 }, (_, n) => joined([...clips.slice(2 * n), ...clips.slice(0, 2 * n)], 24));
const utterances = await Promise.all([...clips, ...long].map(readFileText));

const alone: Told[][] = [];
for (const { samples } of utterances) {
  let memory: WindowMemory | undefined;
  const told: Told[] = [];
  for (let seconds = step; seconds < samples.length / SAMPLE_RATE + 1.5; seconds += step) {
    const answer = await hear(model, [{ samples: upTo(samples, seconds), memory }]);
    memory = answer[0]?.memory;
    told.push({ heard: seconds, at: seconds, ...wordsOf(answer[0]) });
  }
  alone.push(told);
}

const delays = utterances.map(({ words }, index) => delaysOf(words, alone[index] ?? []));
const quality = {
  tail_ms: spread(delays.flatMap(({ tail }) => tail)),
  stable_ms: spread(delays.flatMap(({ stable }) => stable)),
  words_never_told_percent: percent(
    delays.reduce((sum, { never }) => sum + never, 0),
    utterances.reduce((sum, { words }) => sum + words.length, 0),
  ),
  words_told_otherwise_per_second: round(sumOf(alone.map(changes)) / sumOf(utterances.map(secondsOf))),
  windows_that_change_words_percent: percent(
    sumOf(alone.map((told) => told.filter((_, index) => changed(told, index) > 0).length)),
    sumOf(alone.map((told) => told.length)),
  ),
  stable_word_errors_percent: percent(
    sumOf(
      utterances.map(({ words }, index) =>
        distance(
          words.map(({ text }) => text),
          alone[index]?.at(-1)?.stable ?? [],
        ),
      ),
    ),
    sumOf(utterances.map(({ words }) => words.length)),
  ),
};
console.log(JSON.stringify(quality, null, 1));

const cost: Record<string, { with_memory: number; without: number; file: number }> = {};
for (const seconds of [1, 5, 15, 25]) {
  const samples = upTo(joined(clips, 26), seconds);
  let memory: WindowMemory | undefined;
  for (let before = Math.max(step, seconds - 20 * step); before < seconds; before += step) {
    memory = (await hear(model, [{ samples: upTo(samples, before), memory }]))[0]?.memory;
  }
  cost[`${seconds} s`] = {
    with_memory: await timed(() => hear(model, [{ samples, memory }])),
    without: await timed(() => hear(model, [{ samples, memory: undefined }])),
    file: await timed(() => model.transcribe([segment(samples)])),
  };
}
console.log(JSON.stringify(cost, null, 1));

const crowd = await speakTogether(sessions);
const result = {
  ...{ model: model.description.name, cadence_ms: Number(cadence), sessions, ...quality, cost_ms: cost },
  crowd: {
    passes: crowd.passes.length,
    pass_ms: spread(crowd.passes),
    tail_ms: spread(crowd.delays.flatMap(({ tail }) => tail)),
    stable_ms: spread(crowd.delays.flatMap(({ stable }) => stable)),
  },
};
await model.close();
console.log(JSON.stringify(result));

/** Sessions that begin to speak at different moments; a pass takes what windows there are when the one before has ended. */
async function speakTogether(count: number) {
  const passes: number[] = [];
  const speakers = Array.from({ length: count }, (_, index) => {
    const utterance = utterances[clips.length + (index % long.length)] ?? { samples: new Int16Array(), words: [] };
    const begin = (index * 0.37) % 2;
    const speaker: Speaker = { utterance, begin, next: step, memory: undefined, told: [] };
    return speaker;
  });
  let now = 0;
  const end = Math.max(...speakers.map(({ utterance, begin }) => begin + secondsOf(utterance) + 1.5));
  while (now < end) {
    const ready = speakers.filter(
      ({ begin, next, utterance }) => now - begin >= next && now - begin < secondsOf(utterance) + 1.5,
    );
    if (ready.length === 0) {
      now += 0.01;
      continue;
    }
    const heard = ready.map(({ begin }) => now - begin);
    const before = process.cpuUsage();
    const answers = await hear(
      model,
      ready.map(({ utterance, memory }, index) => ({ samples: upTo(utterance.samples, heard[index] ?? 0), memory })),
    );
    const pass = milliseconds(before);
    passes.push(pass);
    now += pass / 1_000;
    for (const [index, speaker] of ready.entries()) {
      speaker.memory = answers[index]?.memory;
      speaker.told.push({ heard: heard[index] ?? 0, at: now - speaker.begin, ...wordsOf(answers[index]) });
      speaker.next = (heard[index] ?? 0) + step;
    }
  }
  return { passes, delays: speakers.map(({ utterance, told }) => delaysOf(utterance.words, told)) };
}

async function hear(from: AsrModel, windows: readonly { samples: Int16Array; memory: WindowMemory | undefined }[]) {
  const outcomes = await from.transcribe(
    windows.map(({ samples, memory }) => segment(samples, { window: { memory } })),
  );
  return outcomes.map((outcome) => {
    if (!outcome.ok || outcome.result.heard === undefined) throw new Error(JSON.stringify(outcome));
    return outcome.result.heard;
  });
}

/** When each word was told first, in milliseconds behind its end, and stayed or not. */
function delaysOf(words: Utterance["words"], told: readonly Told[]) {
  const texts = words.map(({ text }) => text);
  const first = (of: "stable" | "text") => {
    const when = new Map<number, number>();
    for (const answer of told) {
      for (const word of matches(texts, answer[of])) if (!when.has(word)) when.set(word, answer.at);
    }
    return when;
  };
  const [tail, stable] = [first("text"), first("stable")];
  const behind = (when: Map<number, number>) =>
    words.flatMap(({ end }, word) => {
      const at = when.get(word);
      return at === undefined ? [] : [Math.max(0, (at - end) * 1_000)];
    });
  return { tail: behind(tail), stable: behind(stable), never: words.length - tail.size };
}

/** Words told by the window before that this one has not. */
function changed(told: readonly Told[], index: number): number {
  const [before, now] = [told[index - 1]?.text ?? [], told[index]?.text ?? []];
  return before.length - matches(before, now).length;
}

function changes(told: readonly Told[]): number {
  return sumOf(told.map((_, index) => changed(told, index)));
}

/** Which of `words` stand in `said`, in order: a longest common subsequence. */
function matches(words: readonly string[], said: readonly string[]): number[] {
  const lengths = Array.from({ length: words.length + 1 }, () => new Uint16Array(said.length + 1));
  const at = (a: number, b: number) => lengths[a]?.[b] ?? 0;
  for (let a = words.length - 1; a >= 0; a--) {
    for (let b = said.length - 1; b >= 0; b--) {
      const line = lengths[a];
      if (line !== undefined)
        line[b] = words[a] === said[b] ? at(a + 1, b + 1) + 1 : Math.max(at(a + 1, b), at(a, b + 1));
    }
  }
  const found: number[] = [];
  for (let a = 0, b = 0; a < words.length && b < said.length; ) {
    if (words[a] === said[b]) {
      found.push(a++);
      b++;
    } else if (at(a + 1, b) >= at(a, b + 1)) a++;
    else b++;
  }
  return found;
}

/** Edit distance in words. */
function distance(reference: readonly string[], said: readonly string[]): number {
  let row = Array.from({ length: said.length + 1 }, (_, index) => index);
  for (const [line, expected] of reference.entries()) {
    const next = [line + 1];
    for (const [column, word] of said.entries()) {
      const replaced = (row[column] ?? 0) + (word === expected ? 0 : 1);
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

function wordsOf(heard: { stable: string; tail: string } | undefined): Pick<Told, "stable" | "text"> {
  const split = (text: string) => text.split(" ").filter((word) => word !== "");
  return { stable: split(heard?.stable ?? ""), text: split(`${heard?.stable ?? ""}${heard?.tail ?? ""}`) };
}

async function readFileText(samples: Int16Array): Promise<Utterance> {
  const [outcome] = await model.transcribe([segment(samples, { timestamps: true })]);
  return { samples, words: outcome?.ok === true ? outcome.result.words : [] };
}

/** The utterance so far; silence goes on behind it. */
function upTo(samples: Int16Array, seconds: number): Int16Array {
  const heard = new Int16Array(Math.round(seconds * SAMPLE_RATE));
  heard.set(samples.subarray(0, heard.length));
  return heard;
}

/** Clips one behind the other, 0.3 s apart. */
function joined(parts: readonly Int16Array[], seconds: number): Int16Array {
  const samples = new Int16Array(seconds * SAMPLE_RATE);
  let length = 0;
  for (const part of parts) {
    if (length + part.length > samples.length) break;
    samples.set(part, length);
    length += part.length + Math.round(0.3 * SAMPLE_RATE);
  }
  return samples.subarray(0, Math.min(length, samples.length));
}

/** 16 kHz mono PCM16. */
async function readSamples(from: string): Promise<Int16Array[]> {
  const index: { file: string }[] = JSON.parse(await readFile(join(from, "samples.json"), "utf8"));
  return Promise.all(
    index.map(async ({ file }) => {
      const wav = await readFile(join(from, file));
      return new Int16Array(new Uint8Array(wav.subarray(wav.indexOf("data") + 8)).buffer);
    }),
  );
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < 7; turn++) {
    const before = process.cpuUsage();
    await run();
    times.push(milliseconds(before));
  }
  return round(times.toSorted((a, b) => a - b)[3] ?? 0);
}

/** Of the processor, since then. */
function milliseconds(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}

function spread(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number) => Math.round(sorted[Math.floor(part * (sorted.length - 1))] ?? 0);
  return { p50: at(0.5), p95: at(0.95), most: at(1) };
}

function secondsOf({ samples }: Utterance): number {
  return samples.length / SAMPLE_RATE;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function percent(part: number, whole: number): number {
  return round((100 * part) / Math.max(1, whole));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
