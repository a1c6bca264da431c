/**
 * The `parametric` architecture: text → phones (the English front end and the model's lexicon) → how long each one lasts
 * (encoder graph) → pitch, voicing and envelope every few milliseconds (decoder graph) → samples (vocoder.ts).
 *
 * Each graph runs for several rows at a time; rows are padded, the graphs get each row's length and must not let padding change a
 * row's own values. A pass gives way between runs and behind every piece of a row's sound, which is told as it is shaped.
 * A manifest may ask for smaller runs on the CPU (`rowsPerCpuRun`). The same text gives the same samples.
 * State: two sessions, the lexicon, the vocoder's tables.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Manifest, SpeechError, toSpeechError } from "@parlance/contracts";
import { createSession, freeTensors, readSection, rowsOfRun, type Session } from "@parlance/inference";
import { createPronouncer, normalise, readPronunciations, spokenProblem } from "../text/index.ts";
import type { SpeechText, TtsArchitecture, TtsArchitectureContext, TtsOutcome, TtsPass } from "../types.ts";
import { decoderInputs, encoderInputs, rowOf, rowParameters } from "./batch.ts";
import { type ParametricSection, parametricSectionSchema } from "./manifest-section.ts";
import { stepsOf, wholeFrames } from "./steps.ts";
import { createTokeniser, type Tokens } from "./tokens.ts";
import { createVocoder, type VoiceParameters } from "./vocoder.ts";

/**
 * Symbols of a run on a CPU, with their padding: some 25 s of sound, which the graphs of parlance-voice take 60 ms for. Longer runs
 * are slower for each second too.
 */
const CPU_SYMBOLS = 400;

type Prepared = { row: number; speed: number; tokens: Tokens };

export const parametricArchitecture: TtsArchitecture = {
  name: "parametric",
  async load(context) {
    const { manifest, folder, options, device } = context;
    const section = readSection(manifest, "parametric", parametricSectionSchema, "TTS_MODEL_ID");
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
    const mostRows = Math.min(maxBatchSize, onCpu ? (section.rowsPerCpuRun ?? maxBatchSize) : maxBatchSize);
    const mostSymbols = onCpu ? CPU_SYMBOLS : Number.POSITIVE_INFINITY;
    const mostFrames = Math.floor(maxSegmentSeconds / frameSeconds);

    const prepare = ({ text, speed }: SpeechText, row: number): Prepared => {
      const problem = spokenProblem(text);
      if (problem !== undefined) throw new SpeechError("text_unspeakable", problem, { param: "text" });
      return { row, speed, tokens: tokenise(pronounce(normalise(text))) };
    };

    /** Tells the sound as it is shaped. */
    const speakRow = async (pass: TtsPass, row: number, parameters: VoiceParameters): Promise<void> => {
      const work = synthesise(parameters);
      for (let piece = work.next(); pass.isOpen(row); piece = work.next()) {
        if (piece.done === true) {
          pass.end(row, { ok: true, result: { samples: piece.value, truncated: false } });
          return;
        }
        // A copy: what is told may be given away.
        if (pass.readsParts(row)) pass.tell(row, { samples: piece.value.slice() });
        await pass.giveWay();
      }
    };

    const speakRows = async (pass: TtsPass, rows: readonly Prepared[]): Promise<void> => {
      const symbols = encoderInputs(
        section,
        rows.map(({ tokens }) => tokens),
      );
      const read = await encoder.run(symbols, [tensors.states, tensors.logFrames]);
      const paced = rows.map(({ row, tokens, speed }, at) => {
        const logFrames = rowOf(read, tensors.logFrames, at, tokens.symbols.length);
        const steps = stepsOf(wholeFrames(logFrames, { speed, edgeFrames }), framesPerStep);
        if (steps.count * framesPerStep <= mostFrames) return { row, steps };
        pass.end(row, tooLong(manifest, steps.count * framesPerStep * frameSeconds));
        // It takes no part in the second run but for its place.
        return { row, steps: stepsOf(Int32Array.of(framesPerStep), framesPerStep) };
      });
      if (!paced.some(({ row }) => pass.isOpen(row))) return;
      const steps = decoderInputs(
        section,
        read,
        paced.map((each) => each.steps),
      );
      const said = await decoder.run(steps, [tensors.parameters]);
      freeTensors({ ...symbols, ...read, ...steps });
      try {
        for (const [at, each] of paced.entries()) {
          if (!pass.isOpen(each.row)) continue;
          await pass.giveWay();
          await speakRow(pass, each.row, rowParameters(section, said, at, each.steps.count));
        }
      } finally {
        freeTensors(said);
      }
    };

    return {
      computeType: "float32",
      async run(pass) {
        const prepared: Prepared[] = [];
        for (const [row, text] of pass.rows.entries()) {
          try {
            prepared.push(prepare(text, row));
          } catch (error) {
            const failure = toSpeechError(error);
            if (failure.code === "internal") options.log("reading a text failed", { error: String(error) });
            pass.end(row, { ok: false, failure: failure.toFailure() });
          }
        }
        prepared.sort((a, b) => b.tokens.symbols.length - a.tokens.symbols.length);
        let left = prepared;
        while (left.length > 0) {
          const symbols = left.map(({ tokens }) => tokens.symbols.length);
          await speakRows(pass, left.splice(0, rowsOfRun(symbols, mostRows, mostSymbols)));
          left = left.filter(({ row }) => pass.isOpen(row));
        }
      },
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

function invalid(message: string, options: { param?: string } = {}): SpeechError {
  return new SpeechError("validation_failed", message, { param: "TTS_MODEL_ID", ...options });
}
