/**
 * The `parametric` architecture: text → phones (the English front end and the model's lexicon) → how long each one lasts
 * (encoder graph) → pitch, voicing and envelope every few milliseconds (decoder graph) → samples (vocoder.ts).
 *
 * One run of each graph for a pass; rows are padded, the graphs get each row's length and must not let padding change a
 * row's own values. A manifest may ask for smaller runs on the CPU (`rowsPerCpuRun`). The same text gives the same samples.
 * State: two sessions, the lexicon, the vocoder's tables.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Manifest, SpeechError, toSpeechError } from "@parlance/contracts";
import { createSession, inOneRun, type Session } from "@parlance/inference";
import { createPronouncer, normalise, readPronunciations, spokenProblem } from "../text/index.ts";
import type { SpeechText, TtsArchitecture, TtsArchitectureContext, TtsOutcome } from "../types.ts";
import { decoderInputs, encoderInputs, rowOf, rowParameters } from "./batch.ts";
import { type ParametricSection, parametricSectionSchema } from "./manifest-section.ts";
import { stepsOf, wholeFrames } from "./steps.ts";
import { createTokeniser, type Tokens } from "./tokens.ts";
import { createVocoder } from "./vocoder.ts";

type Prepared = { row: number; speed: number; tokens: Tokens };

export const parametricArchitecture: TtsArchitecture = {
  name: "parametric",
  async load(context) {
    const { manifest, folder, options, device } = context;
    const section = readSection(manifest);
    if (options.computeType !== "auto" && options.computeType !== "float32") {
      throw invalid(`model ${manifest.name} has no ${options.computeType} weights (it has: float32)`, {
        param: "TTS_COMPUTE_TYPE",
      });
    }
    const { tensors, vocoder, framesPerStep, edgeFrames, frameSeconds } = section;
    const pronunciations = readPronunciations(await readFile(join(folder, fileOf(manifest, "lexicon"))));
    const { pronounce } = createPronouncer({ pronunciations });
    const tokenise = createTokeniser(section.symbols);
    const synthesise = createVocoder({
      ...vocoder,
      sampleRate: manifest.sampleRate,
      hop: Math.round(frameSeconds * manifest.sampleRate),
    });
    const { encoder, decoder } = await openGraphs(context, section);
    const { maxBatchSize, maxSegmentSeconds } = manifest.limits;
    const onCpu = device.provider === "cpu";
    const rowsPerRun = Math.min(maxBatchSize, onCpu ? (section.rowsPerCpuRun ?? maxBatchSize) : maxBatchSize);
    const mostFrames = Math.floor(maxSegmentSeconds / frameSeconds);

    const prepare = ({ text, speed }: SpeechText, row: number): Prepared => {
      const problem = spokenProblem(text);
      if (problem !== undefined) throw new SpeechError("text_unspeakable", problem, { param: "text" });
      return { row, speed, tokens: tokenise(pronounce(normalise(text))) };
    };

    const speakRows = async (rows: readonly Prepared[], outcomes: TtsOutcome[]): Promise<void> => {
      const read = await encoder.run(
        encoderInputs(
          section,
          rows.map(({ tokens }) => tokens),
        ),
        [tensors.states, tensors.logFrames],
      );
      const paced = rows.map(({ tokens, speed }, at) => {
        const logFrames = rowOf(read, tensors.logFrames, at, tokens.symbols.length);
        const steps = stepsOf(wholeFrames(logFrames, { speed, edgeFrames }), framesPerStep);
        return { ...steps, whole: steps.count * framesPerStep <= mostFrames };
      });
      // A row that is too long is refused, and takes no part in the second run.
      const spoken = paced.map((steps) => (steps.whole ? steps : stepsOf(Int32Array.of(framesPerStep), framesPerStep)));
      const said = await decoder.run(decoderInputs(section, read, spoken), [tensors.parameters]);
      for (const [at, { row }] of rows.entries()) {
        const { whole = false, count = 0 } = paced[at] ?? {};
        outcomes[row] = whole
          ? { ok: true, result: { samples: synthesise(rowParameters(section, said, at, count)), truncated: false } }
          : tooLong(manifest, count * framesPerStep * frameSeconds);
      }
    };

    return {
      computeType: "float32",
      run: inOneRun(async (texts) => {
        const outcomes: TtsOutcome[] = [];
        const prepared: Prepared[] = [];
        for (const [row, text] of texts.entries()) {
          try {
            prepared.push(prepare(text, row));
          } catch (error) {
            const failure = toSpeechError(error);
            if (failure.code === "internal") options.log("reading a text failed", { error: String(error) });
            outcomes[row] = { ok: false, failure: failure.toFailure() };
          }
        }
        prepared.sort((a, b) => b.tokens.symbols.length - a.tokens.symbols.length);
        for (let from = 0; from < prepared.length; from += rowsPerRun) {
          await speakRows(prepared.slice(from, from + rowsPerRun), outcomes);
        }
        return outcomes;
      }),
      async close() {
        await encoder.close();
        await decoder.close();
      },
    };
  },
};

function tooLong(manifest: Manifest, seconds: number): TtsOutcome {
  const { maxSegmentSeconds } = manifest.limits;
  return {
    ok: false,
    failure: {
      code: "text_too_long",
      message: `A text takes ${seconds.toFixed(1)} s to say; ${manifest.name} says at most ${maxSegmentSeconds} s in one piece.`,
      param: "text",
    },
  };
}

function readSection(manifest: Manifest): ParametricSection {
  const parsed = parametricSectionSchema.safeParse(manifest.parametric);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = ["parametric", ...(issue?.path ?? [])].map(String).join(".");
  throw invalid(`manifest of ${manifest.name}: ${field}: ${issue?.message ?? "is not valid"}`, { cause: parsed.error });
}

function fileOf(manifest: Manifest, role: string): string {
  const path = manifest.files[role]?.path;
  if (path === undefined) throw invalid(`manifest of ${manifest.name}: files.${role} is missing`);
  return path;
}

async function openGraphs(
  { manifest, folder, options, device }: TtsArchitectureContext,
  { tensors }: ParametricSection,
): Promise<{ encoder: Session; decoder: Session }> {
  const open = async (role: string, inputs: readonly string[], outputs: readonly string[]): Promise<Session> => {
    const session = await createSession(join(folder, fileOf(manifest, role)), { device, threads: options.threads });
    const missing = [
      ...inputs.filter((name) => !session.inputNames.includes(name)),
      ...outputs.filter((name) => !session.outputNames.includes(name)),
    ];
    if (missing.length === 0) return session;
    await session.close();
    throw invalid(`model ${manifest.name}: its ${role} has no ${missing.join(", ")}`);
  };
  const { symbols, places, symbolCounts, states, logFrames, index, position, stepCounts, parameters } = tensors;
  const encoder = await open("encoder", [symbols, places, symbolCounts], [states, logFrames]);
  try {
    return { encoder, decoder: await open("decoder", [states, index, position, stepCounts], [parameters]) };
  } catch (error) {
    await encoder.close();
    throw error;
  }
}

function invalid(message: string, options: { cause?: unknown; param?: string } = {}): SpeechError {
  return new SpeechError("validation_failed", message, { param: "TTS_MODEL_ID", ...options });
}
