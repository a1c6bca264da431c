/**
 * What a caller writes is said, and never steers: language models have strings that stand for a turn's end, for padding or for sound, and a
 * text with one of them in it could end its own turn. By their common forms; an architecture also knows its own tokenizer's.
 */

const controlTokens =
  /<\|[\w.-]{1,64}\|>|<\/?(?:s|bos|eos|pad|unk|mask|tts_\w{1,32}|asr_text|think|tool_call|tool_response)>/gi;

/** Without anything that looks like a control token; also where cutting one would make another. */
export function withoutControlTokens(text: string): string {
  for (let rest = text; ; ) {
    const cut = rest.replace(controlTokens, "");
    if (cut === rest) return rest;
    rest = cut;
  }
}
