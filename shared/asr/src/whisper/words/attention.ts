/** The cross attention of the heads that align, cut to the frames that hold audio. */

/** Shares of each frame in each token, [heads, tokens, frames]; frames behind the audio are left out. */
export interface Attention {
  data: Float32Array;
  heads: number;
  tokens: number;
  frames: number;
}

/** A text to be aligned. */
export interface Spoken {
  /** Prompt, text and end. */
  tokens: readonly number[];
  /** Where the text begins; it ends before the last token. */
  textFrom: number;
  /** That hold audio. */
  frames: number;
}

export interface Alignment {
  /** Of the heads that align, one for each token. */
  attention: Attention;
  /** Of each of the text's tokens among all words, behind those before it. */
  probabilities: readonly number[];
}

interface GivenShape {
  heads: number;
  /** Tokens that were run, padding included. */
  nodes: number;
  /** Frames that were heard, silence behind the audio included. */
  places: number;
}

/**
 * `given` is [heads, nodes, places]: scores before their softmax, or shares after one over all places; either way a
 * token's shares of the first `frames` places add up to 1.
 */
export function audibleShares(
  given: Float32Array,
  { heads, nodes, places }: GivenShape,
  tokens: number,
  frames: number,
  kind: "scores" | "shares",
): Attention {
  const data = new Float32Array(heads * tokens * frames);
  for (let head = 0; head < heads; head++) {
    for (let token = 0; token < tokens; token++) {
      const from = (head * nodes + token) * places;
      const to = (head * tokens + token) * frames;
      let highest = Number.NEGATIVE_INFINITY;
      for (let frame = 0; frame < frames; frame++) highest = Math.max(highest, given[from + frame] ?? 0);
      let sum = 0;
      for (let frame = 0; frame < frames; frame++) {
        const score = given[from + frame] ?? 0;
        const share = kind === "scores" ? Math.exp(score - highest) : score;
        data[to + frame] = share;
        sum += share;
      }
      for (let frame = 0; frame < frames; frame++) data[to + frame] = (data[to + frame] ?? 0) / sum;
    }
  }
  return { data, heads, tokens, frames };
}

/** The same heads' attention of tokens that follow one another. */
export function joinTokens(parts: readonly Attention[]): Attention | undefined {
  const [first] = parts;
  if (first === undefined || parts.length === 1) return first;
  const { heads, frames } = first;
  const tokens = parts.reduce((sum, part) => sum + part.tokens, 0);
  const data = new Float32Array(heads * tokens * frames);
  let before = 0;
  for (const part of parts) {
    const length = part.tokens * frames;
    for (let head = 0; head < heads; head++) {
      data.set(part.data.subarray(head * length, (head + 1) * length), (head * tokens + before) * frames);
    }
    before += part.tokens;
  }
  return { data, heads, tokens, frames };
}
