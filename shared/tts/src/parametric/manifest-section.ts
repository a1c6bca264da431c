/** The `parametric` section of a manifest: what the graphs read and give, and how the vocoder reads that. */
import * as z from "zod";

const tensorName = z.string().min(1);

export const parametricSectionSchema = z.object({
  /** Symbols by id; 0 is padding. Phones with stress, `,` `.` `?` `!`, `^` before a text and `$` behind it. */
  symbols: z
    .array(z.string())
    .min(8)
    .max(512)
    .refine((symbols) => symbols[0] === "" && ["^", "$", ",", ".", "?", "!"].every((mark) => symbols.includes(mark)), {
      message: 'must begin with "" (padding) and have ^ $ , . ? !',
    }),
  tensors: z.object({
    /** int64 [batch, symbols]. */
    symbols: tensorName,
    /** int64 [batch, symbols]: 1 where a phone begins a word, 2 where it ends one, 3 both, else 0. */
    places: tensorName,
    /** int64 [batch]: symbols of each row. */
    symbolCounts: tensorName,
    /** float32 [batch, symbols, width]: from the encoder to the decoder. */
    states: tensorName,
    /** float32 [batch, symbols]: natural logarithm of each symbol's frames. */
    logFrames: tensorName,
    /** int64 [batch, steps]: the symbol that sounds at each step. */
    index: tensorName,
    /** float32 [batch, steps, 4]: see steps.ts. */
    position: tensorName,
    /** int64 [batch]: steps of each row. */
    stepCounts: tensorName,
    /** float32 [batch, steps * framesPerStep, 2 + coefficients + bands]: log F0, logit of voicing, mel-cepstrum, strengths. */
    parameters: tensorName,
  }),
  framesPerStep: z.number().int().min(1).max(8),
  frameSeconds: z.number().positive(),
  /** Frames of silence at most before the first sound, and behind the last one. */
  edgeFrames: z.number().int().min(1),
  /** Rows of one run on the CPU; default: the whole pass. */
  rowsPerCpuRun: z.number().int().min(1).optional(),
  vocoder: z.object({
    /** Of the mel-cepstrum; it has one more coefficient. */
    order: z.number().int().min(4).max(60),
    alpha: z.number().min(0).lt(1),
    /** Hz, ascending: where one band of voicing strength passes into the next. */
    bandEdges: z.array(z.number().positive()).min(1).max(15),
    gain: z.number().positive(),
  }),
});

export type ParametricSection = z.infer<typeof parametricSectionSchema>;
