/**
 * The text of an item as it is told while its segments are recognised. Results and parts of segments go in, in any order, late and
 * repeated; out go pieces that are the transcript's text, one behind the other. Pure.
 *
 * Only the head is told: the first segment without a result. Its parts are told as they grow, what comes of later ones waits
 * until they are the head. What was sent stands. A part that does not go on from the last one is of another run of the job,
 * and left to the segment's result. A result, or the transcript, that says otherwise than what was sent goes on as in
 * `continuation`: then, and only then, the pieces are not exactly the transcript's text.
 */
import { createTextJoin, type TokenScore } from "@parlance/contracts";
import { continuation } from "./continuation.ts";

export interface TextDelta {
  /** Never empty. */
  text: string;
  /** Of the segments that ended in it, where they were asked for and the model has them. */
  logprobs?: TokenScore[];
}

/** What counts of a segment's result. */
export interface ToldSegment {
  text: string;
  /** English name, or empty when the model could not tell. */
  language: string;
  tokens?: readonly TokenScore[] | undefined;
}

export interface TextDeltasOptions {
  /** The English name of the language that was asked for, so that parts need not bring theirs; empty: none was. */
  language: string;
  /** Whether log-probabilities were asked for: then a segment is told whole, with those of all its tokens. */
  logprobs: boolean;
}

export interface TextDeltas {
  /** The head's number. */
  readonly head: number;
  /** @param language of the segment, where it is known. */
  part(n: number, text: string, language?: string): void;
  /** False when this segment's result is known already: the first one counts. */
  result(n: number, segment: ToldSegment): boolean;
  /** What there is to tell since the last call. */
  take(): TextDelta | undefined;
  /** What is left to tell once the whole transcript is known, whether or not the results of all its segments came. For once. */
  rest(transcript: string): TextDelta | undefined;
}

export function createTextDeltas({ language, logprobs }: TextDeltasOptions): TextDeltas {
  const results = new Map<number, ToldSegment>();
  const parts = new Map<number, { text: string; language: string }>();
  /** The text up to the head as the transcript will have it, and how what was told of the head joins on. */
  const settled = createTextJoin();
  const telling = createTextJoin();
  let joined = "";
  /** What was sent beyond `joined`. */
  let ahead = "";
  let head = 0;
  /** The last part of the head that was told. */
  let begun = "";
  let pending: { text: string; tokens: TokenScore[] } = { text: "", tokens: [] };

  function settle(segment: ToldSegment): void {
    telling.add(segment);
    const text = settled.add(segment);
    joined += text;
    pending.text += continuation(ahead, text);
    pending.tokens.push(...(segment.tokens ?? []));
    // Of a segment that says nothing after all, what was sent is still in the way of the next one.
    if (text !== "") ahead = "";
    begun = "";
  }

  function tellPart(part: { text: string; language: string }): void {
    const certain = part.text.trim();
    if (logprobs || !certain.startsWith(begun)) return;
    if (begun === "" && ahead !== "") return;
    const text = telling.part(certain, part.language);
    if (text !== "") begun = certain;
    pending.text += text;
    ahead += text;
  }

  function advance(): void {
    for (let segment = results.get(head); segment !== undefined; segment = results.get(head)) {
      settle(segment);
      results.delete(head);
      parts.delete(head);
      head += 1;
    }
    const part = parts.get(head);
    if (part !== undefined) tellPart(part);
  }

  function take(): TextDelta | undefined {
    const { text, tokens } = pending;
    if (text === "") return undefined;
    pending = { text: "", tokens: [] };
    return tokens.length === 0 ? { text } : { text, logprobs: tokens };
  }

  return {
    get head() {
      return head;
    },
    part(n, text, known = "") {
      if (n < head) return;
      parts.set(n, { text, language: known === "" ? language : known });
      if (n === head) advance();
    },
    result(n, segment) {
      if (n < head || results.has(n)) return false;
      results.set(n, segment);
      advance();
      return true;
    },
    take,
    rest(transcript) {
      const known = transcript.startsWith(joined);
      pending.text += known
        ? continuation(ahead, transcript.slice(joined.length))
        : continuation(joined + ahead, transcript);
      return take();
    },
  };
}
