/**
 * The talker's prompt, place by place. At each place two streams are summed up: text, projected, and the codec's, of which a place may
 * have one alone. Layouts as in the official implementation (`generate`, `generate_icl_prompt`):
 *
 *   instructions   their tokens             –
 *   role           its three tokens         –
 *   prefix         pad … pad                think, begin, LANGUAGE, end; or nothink, begin, end
 *   voice          pad                      the speaker's token, or the vector of a voice; none of a voice that is made up
 *   last           bos                      pad
 *   text           text, eos                pad on each          (in front of a text to imitate stands the reference's)
 *   sound          pad                      bos, then the frames of a reference
 *
 * That is the layout `text_first`. In `text_beside` text and sound stand at the same places, and what is left of the text when the
 * prompt ends is said at the frames to come, one token each: a voice that is imitated speaks too fast that way. Pure.
 */

export interface Place {
  /** A token of the text, of which the projection counts. */
  text?: number;
  /** A token of the talker, the vector of a voice [hidden], or the codes of a frame, of which the sum counts. */
  codec?: number | Float32Array | Int32Array;
}

export interface Prompt {
  places: Place[];
  /** Tokens of the text that stand at the frames to come, from the first on; at all later ones stands the pad. */
  trailing: number[];
}

/** Ids of the text's vocabulary. */
export interface TextMarks {
  pad: number;
  begin: number;
  end: number;
}

/** Ids of the talker's vocabulary. */
export interface CodecMarks {
  pad: number;
  begin: number;
  end: number;
  think: number;
  noThink: number;
  thinkBegin: number;
  thinkEnd: number;
}

export interface PromptMarks {
  text: TextMarks;
  codec: CodecMarks;
}

export type TextLayout = "text_first" | "text_beside";

export interface PromptWishes {
  /** Whole turn of the user; empty: none. */
  instructions: readonly number[];
  role: readonly number[];
  text: readonly number[];
  /** Id of the talker's vocabulary; undefined: the model tells. */
  language: number | undefined;
  /** A speaker's id, or a voice's vector [hidden]; undefined: the instructions make one up. */
  voice: number | Float32Array | undefined;
  /** What is said in the reference, and its frames [codes of one frame]; undefined: its sound alone is imitated, if any. */
  reference: { text: readonly number[]; frames: readonly Int32Array[] } | undefined;
  layout: TextLayout;
}

export function buildPrompt(marks: PromptMarks, wishes: PromptWishes): Prompt {
  const { instructions, role, text, voice, reference, layout } = wishes;
  const { text: words, codec } = marks;
  const prefix = [...thoughts(codec, wishes.language), ...(voice === undefined ? [] : [voice])];
  const head: Place[] = [
    ...[...instructions, ...role].map((token) => ({ text: token })),
    ...prefix.map((code) => ({ text: words.pad, codec: code })),
    { text: words.begin, codec: codec.pad },
  ];
  const said = [...(reference?.text ?? []), ...text, words.end];
  const sound = [codec.begin, ...(reference?.frames ?? [])];
  if (layout === "text_first") {
    return {
      places: [
        ...head,
        ...said.map((token) => ({ text: token, codec: codec.pad })),
        ...sound.map((code) => ({ text: words.pad, codec: code })),
      ],
      trailing: [],
    };
  }
  return {
    places: [...head, ...sound.map((code, at) => ({ text: said[at] ?? words.pad, codec: code }))],
    trailing: said.slice(sound.length),
  };
}

function thoughts({ think, noThink, thinkBegin, thinkEnd }: CodecMarks, language: number | undefined): number[] {
  return language === undefined ? [noThink, thinkBegin, thinkEnd] : [think, thinkBegin, language, thinkEnd];
}
