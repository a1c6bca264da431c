/**
 * A pass through a Whisper. Rows come in, are heard, tell their language, have their prompts read, and then all say one token a
 * step, each in a search of its own. A row whose text ended is tried again where it looks wrong, or has its words timed, and leaves;
 * between steps rows that wait come in beside those that speak. Rows are what the model sees; segments of the pipeline become rows
 * in whisper-model.ts.
 */
import { SAMPLE_RATE } from "@parlance/contracts";
import type { Pass } from "@parlance/inference";
import { createRowQueue } from "../row-queue.ts";
import type { WhisperFeatures } from "./features.ts";
import type { PassRows, WhisperGraphs } from "./graphs/decoder.ts";
import type { WhisperSection } from "./manifest-section.ts";
import { sayPhrase } from "./say-phrase.ts";
import { type Attempted, createAttempts, type RowAttempts } from "./search/attempts.ts";
import { detectLanguage } from "./search/detect-language.ts";
import type { NodeScores } from "./search/scores.ts";
import type { Step } from "./search/search.ts";
import type { Suppression } from "./search/suppression.ts";
import { codesWithoutSpaces } from "./text/languages.ts";
import { buildPrompt, type Prompt } from "./text/prompt.ts";
import type { Vocabulary } from "./text/vocabulary.ts";
import { windowSection } from "./text-window.ts";
import { timeRow } from "./words/row-words.ts";
import type { TimedSegment, TimedWord } from "./words/word-times.ts";

export interface WhisperRow {
  /** 16 kHz mono. */
  samples: Int16Array;
  /** Whisper's code; undefined: the model tells. */
  language: string | undefined;
  timestamps: boolean;
  /** Tokens that came before. */
  context: readonly number[];
  /** When not empty, the text is one of these. */
  phrases: readonly string[];
  /** English is said, whatever is heard. Default false. */
  translate?: boolean | undefined;
  /** Of the first attempt. Default 0. */
  temperature?: number | undefined;
  /** Whether it is a window: one greedy attempt, as short as its audio. Default false. */
  window?: boolean | undefined;
}

export interface WhisperResult extends Attempted {
  /** Whisper's code of what was heard. */
  language: string;
  /** Mean per token, natural log; of a phrase: of its probability among the phrases. */
  logProbability: number;
  /** Empty unless asked for. */
  words: TimedWord[];
  /** What was said between its timestamps; one without them. None of a phrase, and of silence. */
  segments: TimedSegment[];
}

export interface WhisperPart {
  /** Whisper's code. */
  language: string;
  /** The words that are certain so far: the row's text begins with them. */
  text: string;
  /** Whether they end at a space, which follows. */
  spaced: boolean;
}

export interface TranscriberOptions {
  graphs: WhisperGraphs;
  features: WhisperFeatures;
  vocabulary: Vocabulary;
  suppression: Suppression;
  section: WhisperSection;
  /** 1 is greedy. */
  beams: number;
  /** Most rows that speak side by side. */
  rowsAtOnce: number;
}

export type WhisperPass = Pass<WhisperRow, WhisperPart, WhisperResult>;

export type Transcriber = (pass: WhisperPass) => Promise<void>;

/** A row between its prompt and its end. */
interface Speaking {
  row: WhisperRow;
  language: string;
  /** Whether its text has spaces between its words. */
  spaced: boolean;
  attempts: RowAttempts;
  /** What it says next; undefined while the graph with the loop speaks for it. */
  step: Step | undefined;
}

export function createTranscriber(options: TranscriberOptions): Transcriber {
  return async (pass) => {
    if (pass.rows.length === 0) return;
    const held = options.graphs.open(pass.rows.length, () => pass.giveWay());
    try {
      await transcribe(options, pass, held);
    } finally {
      held.close();
    }
  };
}

async function transcribe(options: TranscriberOptions, pass: WhisperPass, held: PassRows): Promise<void> {
  const { graphs, features, vocabulary, suppression } = options;
  const quick = { ...options, beams: 1, section: windowSection(options.section) };
  const speaking = new Map<number, Speaking>();

  function rowOf(number: number): WhisperRow {
    const row = pass.rows[number];
    if (row === undefined) throw new RangeError(`the pass has no row ${number}`);
    return row;
  }

  function end(number: number, result: WhisperResult): void {
    speaking.delete(number);
    held.drop(number);
    pass.end(number, result);
  }

  /** Without those that nobody waits for any more. */
  function open(numbers: readonly number[]): number[] {
    return numbers.filter((number) => {
      if (pass.isOpen(number)) return true;
      speaking.delete(number);
      held.drop(number);
      return false;
    });
  }

  /** Hears rows, and has them begin to speak. */
  async function admit(numbers: readonly number[]): Promise<void> {
    for (let from = 0; from < numbers.length; from += graphs.rowsPerHearing) {
      const heard = new Map<number, Float32Array>();
      for (const number of open(numbers.slice(from, from + graphs.rowsPerHearing))) {
        await pass.giveWay();
        heard.set(number, features(rowOf(number).samples));
      }
      await held.hear(heard);
    }
    const languages = await tellLanguages(open(numbers));
    for (const number of open(numbers)) {
      if (rowOf(number).phrases.length > 0) await choose(number, languages.get(number) ?? "");
    }
    const read = new Map<number, RowAttempts["prompt"]>();
    for (const number of open(numbers).filter((each) => rowOf(each).phrases.length === 0)) {
      const row = rowOf(number);
      const { samples, timestamps, temperature } = row;
      const language = languages.get(number) ?? "";
      const prompt = promptOf(row, language, timestamps);
      const spaced = row.translate === true || !codesWithoutSpaces.has(language);
      const attempts = createAttempts(row.window === true ? quick : options, {
        prompt,
        timestamps,
        samples,
        temperature,
        spaced,
      });
      speaking.set(number, { row, language, spaced, attempts, step: undefined });
      if (held.loop === undefined || attempts.loop() === undefined) read.set(number, prompt);
    }
    await begin(await held.read(read));
  }

  async function tellLanguages(numbers: readonly number[]): Promise<Map<number, string>> {
    const unknown = numbers.filter((number) => vocabulary.multilingual && rowOf(number).language === undefined);
    const prompt = { tokens: [vocabulary.control.startOfTranscript], start: 0 };
    const starts = await held.start(new Map(unknown.map((number) => [number, prompt])));
    return new Map(
      numbers.map((number) => {
        const start = starts.get(number);
        const heard = start === undefined ? undefined : detectLanguage(start, vocabulary)?.code;
        return [number, rowOf(number).language ?? heard ?? "en"];
      }),
    );
  }

  async function choose(number: number, language: string): Promise<void> {
    const row = rowOf(number);
    const prompt = promptOf(row, language, false);
    const said = await sayPhrase({ held, number, prompt, phrases: row.phrases, vocabulary });
    end(number, { ...said, language, words: [], segments: [] });
  }

  function promptOf({ context, translate }: WhisperRow, code: string, timestamps: boolean): Prompt {
    return buildPrompt({ vocabulary, language: vocabulary.languages.get(code), translate, timestamps, context });
  }

  /** Rows whose prompts were read, and, of those whose text ends at once, all that follows. */
  async function begin(readings: Awaited<ReturnType<PassRows["read"]>>): Promise<void> {
    const ended: number[] = [];
    for (const [number, reading] of readings) {
      const state = speaking.get(number);
      if (state === undefined) continue;
      state.step = state.attempts.begin(reading);
      if (state.step === undefined) ended.push(number);
      else tell(number, state);
    }
    await settle(ended);
  }

  /** One token more in every row. */
  async function step(): Promise<void> {
    const steps = new Map<number, Step>();
    let [candidates, allWords] = [1, false];
    for (const [number, { step: next, attempts }] of speaking) {
      if (next === undefined) continue;
      steps.set(number, next);
      candidates = Math.max(candidates, attempts.wanted.candidates);
      allWords ||= attempts.wanted.allWords;
    }
    if (steps.size === 0) return;
    const answers = await held.step(steps, { candidates, allWords, bias: suppression.words });
    const ended: number[] = [];
    for (const [number, scores] of answers) {
      if (!advance(number, scores)) ended.push(number);
    }
    await settle(ended);
  }

  function advance(number: number, scores: readonly NodeScores[]): boolean {
    const state = speaking.get(number);
    if (state === undefined) return true;
    state.step = state.attempts.advance(scores);
    if (state.step === undefined || (state.row.window === true && state.attempts.loops())) return false;
    tell(number, state);
    return true;
  }

  /** Some tokens more in the rows that the graph with the loop speaks for. */
  async function loop(): Promise<void> {
    if (held.loop === undefined) return;
    const rows = [...speaking].flatMap(([number, { step: next, attempts }]) => {
      const row = next === undefined ? attempts.loop() : undefined;
      return row === undefined ? [] : [[number, row] as const];
    });
    if (rows.length === 0) return;
    const ended: number[] = [];
    for (const [number, said] of await held.loop.run(new Map(rows), suppression)) {
      const state = speaking.get(number);
      if (state === undefined) continue;
      if (state.attempts.follow(said)) tell(number, state);
      else ended.push(number);
    }
    await settle(ended);
  }

  function tell(number: number, { attempts, spaced, language }: Speaking): void {
    const text = pass.readsParts(number) ? attempts.tell() : undefined;
    if (text !== undefined) pass.tell(number, { text, spaced, language });
  }

  /** Rows whose search has ended. */
  async function settle(numbers: readonly number[]): Promise<void> {
    const again: number[] = [];
    for (const number of open(numbers)) {
      const state = speaking.get(number);
      if (state === undefined) continue;
      const found = state.attempts.settle();
      if (found === undefined) again.push(number);
      else await finish(number, state, found);
    }
    const prompts = open(again).flatMap((number) => {
      const prompt = speaking.get(number)?.attempts.prompt;
      return prompt === undefined ? [] : [[number, prompt] as const];
    });
    if (prompts.length > 0) await begin(await held.read(new Map(prompts)));
  }

  async function finish(number: number, { row, language }: Speaking, found: Attempted): Promise<void> {
    const segments = found.silence ? [] : await segmentsOf(number, row, language, found);
    end(number, { ...found, language, words: segments.flatMap(({ words }) => words), segments });
  }

  async function segmentsOf(
    number: number,
    { samples, timestamps, translate = false }: WhisperRow,
    language: string,
    { tokens, scores }: Attempted,
  ): Promise<TimedSegment[]> {
    if (!timestamps) return [{ start: 0, end: samples.length / SAMPLE_RATE, tokens, words: [] }];
    const row = { samples, language, translate, tokens, scores };
    return await timeRow(
      row,
      vocabulary,
      (spoken) => held.align(number, spoken),
      () => pass.giveWay(),
    );
  }

  // In the graph with the loop a row is heard in no time, and many tokens are said between two that join.
  const queue = createRowQueue(pass, {
    refills: graphs.refills,
    headsFirst: graphs.refills && held.loop === undefined,
    gathering: graphs.gathering,
  });

  for (;;) {
    const numbers = queue.take(graphs.refills ? options.rowsAtOnce - speaking.size : pass.rows.length);
    if (numbers.length > 0) await admit(numbers);
    open([...speaking.keys()]);
    if (speaking.size === 0 && numbers.length === 0) return;
    await step();
    await loop();
  }
}
