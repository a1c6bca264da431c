/**
 * A pass, from rows to outcomes. The decoder asks for rows as it has places for them: those of the pass that have not begun,
 * then others that wait. Each is encoded and prompted when its turn comes, and ends with its words as soon as it has said
 * all; rows that nothing is said of never reach the decoder.
 */
import { crc32 } from "node:zlib";
import { type Manifest, SAMPLE_RATE } from "@parlance/contracts";
import { createSampler, type Decoded, type DecodingRow, type PromptRow, type Sampler } from "@parlance/generation";
import { createRowQueue } from "../row-queue.ts";
import { cutStretches } from "../stretches.ts";
import type { AsrOutcome, AsrPass, AsrSegment } from "../types.ts";
import type { ModelParts } from "./load-parts.ts";
import type { TokenAllowance } from "./manifest-section.ts";
import { partialText } from "./prompt/partial-text.ts";
import { choosePhrase } from "./prompt/phrase-choice.ts";
import { buildPrompt, contextOf } from "./prompt/prompt.ts";
import { type SaidText, saidText, tokenScores, withConfidences } from "./prompt/said-text.ts";
import { parseOutput } from "./prompt/spoken-output.ts";
import { refusal } from "./refusal.ts";
import { type ForcedWindow, forcedWindow, type SaidTokens } from "./text-window.ts";

export async function transcribePass(parts: ModelParts, manifest: Manifest, pass: AsrPass): Promise<void> {
  const { encoder, decoder, tokenizer, aligner, hidden } = parts;
  const queue = createRowQueue(pass, { refills: decoder.refills, headsFirst: decoder.steps });
  /** Of rows that are being decoded. */
  const embeddings = new Map<number, Float32Array>();
  /** Of those that are windows. */
  const windows = new Map<number, ForcedWindow>();
  const giveWay = () => pass.giveWay();

  function segmentOf(row: number): AsrSegment {
    const segment = pass.rows[row];
    if (segment === undefined) throw new RangeError(`the pass has no row ${row}`);
    return segment;
  }

  /** Rows whose turn it is, without those that the model cannot do. */
  function next(places: number): number[] {
    const rows: number[] = [];
    while (rows.length < places) {
      const begun = queue.take(places - rows.length);
      if (begun.length === 0) break;
      for (const row of begun.filter((each) => pass.isOpen(each))) {
        const refused = refusal(manifest, segmentOf(row), decoder.weigh !== undefined);
        const window = forcedWindow(segmentOf(row), { tokenizer, manifest, allowance: parts.allowance });
        if (refused !== undefined) pass.end(row, refused);
        else rows.push(row);
        if (window !== undefined) windows.set(row, window);
      }
    }
    return rows;
  }

  function promptOf(row: number, language = forcedLanguage(segmentOf(row))): PromptRow {
    const segment = segmentOf(row);
    const window = windows.get(row);
    const vectors = embeddings.get(row) ?? new Float32Array();
    const context = contextOf(tokenizer, segment.hotwords, segment.context);
    const audioTokens = vectors.length / hidden;
    const prompt = buildPrompt(tokenizer, { context, language: window?.language ?? language, audioTokens });
    return {
      ...{ ...prompt, tokens: [...prompt.tokens, ...(window?.tokens ?? [])], vectors },
      budget: window?.budget ?? tokenBudget(segment.samples.length, parts.allowance),
    };
  }

  /** Undefined: the likeliest tokens are taken. */
  function samplerOf(row: number): Sampler | undefined {
    const temperature = temperatureOf(segmentOf(row));
    return temperature === 0 ? undefined : createSampler({ temperature }, seedOf(segmentOf(row).samples));
  }

  /** At which the row's text is found. */
  function temperatureOf({ temperature = 0, phrases }: AsrSegment): number {
    return decoder.samples && phrases.length === 0 ? temperature : 0;
  }

  async function take(places: number): Promise<DecodingRow[]> {
    for (;;) {
      const rows = next(places);
      if (rows.length === 0) return [];
      const encoded = await encoder.encode(
        rows.map((row) => segmentOf(row).samples),
        giveWay,
      );
      for (const [index, row] of rows.entries()) {
        const vectors = encoded[index] ?? new Float32Array();
        if (vectors.length > 0) embeddings.set(row, vectors);
        else pass.end(row, windowOutcome(row, silence) ?? nothingSaid(segmentOf(row)));
      }
      const heard = rows.filter((row) => embeddings.has(row) && pass.isOpen(row));
      if (heard.length > 0) return heard.map((row) => ({ row, prompt: promptOf(row), sampler: samplerOf(row) }));
    }
  }

  /** Undefined where the row is no window. */
  function windowOutcome(row: number, said: SaidTokens): AsrOutcome | undefined {
    const window = windows.get(row);
    if (window === undefined) return undefined;
    embeddings.delete(row);
    windows.delete(row);
    return { ok: true, result: window.result(said) };
  }

  function hear(row: number, tokens: readonly number[]): void {
    const segment = segmentOf(row);
    if (windows.get(row)?.loops(tokens) === true) {
      const cut = windowOutcome(row, { tokens: [...tokens], score: null, truncated: true });
      if (cut !== undefined) pass.end(row, cut);
      return;
    }
    if (!pass.readsParts(row) || segment.phrases.length > 0) return;
    const part = partialText(tokenizer.decode(tokens), forcedLanguage(segment));
    if (part !== undefined) pass.tell(row, part);
  }

  async function end(row: number, decoded: Decoded): Promise<void> {
    const segment = segmentOf(row);
    const { samples, timestamps, phrases, logprobs = false } = segment;
    // A window that looped has ended before.
    if (!pass.isOpen(row)) return void embeddings.delete(row);
    const partial = windowOutcome(row, decoded);
    if (partial !== undefined) return pass.end(row, partial);
    const language = forcedLanguage(segment);
    const heard = parseOutput(tokenizer.decode(decoded.tokens), language);
    const result = { ...heard, score: heard.text === "" ? null : decoded.score, truncated: decoded.truncated };
    /** Of an answer that the model said itself. */
    let said: SaidText | undefined;
    if (phrases.length > 0 && decoder.weigh !== undefined) {
      // In the language that was heard, where one was.
      const prompt = promptOf(row, heard.language === "" ? undefined : heard.language);
      Object.assign(result, await choosePhrase(decoder.weigh, tokenizer, prompt, phrases, giveWay), {
        truncated: false,
      });
    } else {
      said = saidText(tokenizer, decoded, language);
    }
    embeddings.delete(row);
    const timed = timestamps ? await aligner?.wordsOf(samples, result, giveWay) : undefined;
    const words = timed === undefined || said === undefined ? (timed ?? []) : withConfidences(timed, said);
    const stretches = cutStretches({
      ...{ ...result, words, seconds: samples.length / SAMPLE_RATE, temperature: temperatureOf(segment) },
      // A text that was repaired is not what the tokens say.
      tokens: said?.text === result.text ? said.tokens : undefined,
    });
    const tokens = logprobs && said !== undefined ? { tokens: tokenScores(said) } : {};
    pass.end(row, { ok: true, result: { ...result, words, stretches, ...tokens } });
  }

  await decoder.decode({ take, isOpen: (row) => pass.isOpen(row), hear, end, giveWay });
}

const silence: SaidTokens = { tokens: [], score: null, truncated: false };

/** The same audio is sampled the same. */
function seedOf({ buffer, byteOffset, byteLength }: Int16Array): number {
  return crc32(new Uint8Array(buffer, byteOffset, byteLength));
}

/** Tokens that a clip of so many samples may come to. */
export function tokenBudget(samples: number, { tokensPerSecond, spareTokens }: TokenAllowance): number {
  return Math.ceil((samples * tokensPerSecond) / SAMPLE_RATE) + spareTokens;
}

function forcedLanguage({ language }: AsrSegment): string | undefined {
  return language === "auto" ? undefined : language;
}

/** What comes of a segment that is shorter than one frame. */
function nothingSaid(segment: AsrSegment): AsrOutcome {
  const language = forcedLanguage(segment) ?? "";
  const tokens = segment.logprobs === true ? { tokens: [] } : {};
  return {
    ok: true,
    result: { text: "", language, words: [], stretches: [], score: null, truncated: false, ...tokens },
  };
}
