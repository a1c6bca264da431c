/**
 * Answers `speech.voice.add`, `speech.voice.list` and `speech.voice.delete.<id>`: voices that stay. It is a part of ingest because that
 * decodes and hears what strangers send; records and recordings lie in buckets, so any instance answers.
 *
 * A voice's id follows from its name, and its record is created or not: of two that ask for a name one gets it. The same request again, by
 * who heard no answer, gets the same answer.
 */
import { type KeyBucket, listVoices, type ServeRequestsOptions, serveRequests } from "@parlance/bus";
import {
  type AddVoice,
  addVoiceSchema,
  oneLine,
  referenceTextProblem,
  SpeechError,
  type StoredVoice,
  storedVoiceSchema,
  toVoiceAnswer,
  unknownFields,
  type VoiceAnswer,
  voiceExists,
  voiceIdOf,
  voiceIdSchema,
  warningsOf,
  withoutNulls,
} from "@parlance/contracts";
import { withoutControlTokens } from "@parlance/tts/text";
import { type TakeReferenceOptions, takeReference } from "../references/take-reference.ts";

export interface VoiceServiceOptions extends Omit<TakeReferenceOptions, "acceptedAt" | "urgent" | "name"> {
  voices: KeyBucket<StoredVoice>;
  speaks: boolean;
}

export function serveVoices(requests: ServeRequestsOptions, options: VoiceServiceOptions): void {
  serveRequests(requests, "voice", async ({ tokens: [verb, ...rest], source, data, respond }) => {
    if (!options.speaks) throw new SpeechError("operation_unavailable", "Speaking is switched off (ENABLE_TTS).");
    if (verb === "add") respond(JSON.stringify(await add(data, source, options)));
    else if (verb === "list")
      respond(JSON.stringify({ voices: (await listVoices(options.voices)).map(toVoiceAnswer) }));
    else if (verb === "delete") respond(JSON.stringify(await remove(rest.join("."), source, options)));
    else throw new SpeechError("not_found", "Ask for speech.voice.add, .list or .delete.<id>.");
  });
}

async function add(
  data: Uint8Array,
  source: string | undefined,
  options: VoiceServiceOptions,
): Promise<VoiceAnswer & { warnings?: string[] }> {
  const { voices, now } = options;
  const raw = withoutNulls(parseJson(data));
  const asked = addVoiceSchema.parse(raw);
  const warnings = warningsOf(unknownFields(addVoiceSchema, raw));
  const referenceText = requireWords(asked);
  const at = now();
  const audio = { kind: "file" as const, id: asked.ref_audio };
  const taken = await takeReference(audio, { ...options, acceptedAt: at, urgent: true, name: "ref_audio" });
  const { name, language, consent, design, seed } = asked;
  const voice = storedVoiceSchema.parse({
    ...{ id: voiceIdOf(name), name, createdAt: at, source },
    ...{ reference: taken.id, seconds: taken.seconds, referenceText, language, consent, design, seed },
  });
  const stored = (await voices.create(voice.id, voice)) === undefined ? await sameAs(voice, voices) : voice;
  return { ...toVoiceAnswer(stored), ...(warnings.length === 0 ? {} : { warnings }) };
}

/** What is said in the recording. Throws what is missing, by its field. */
function requireWords({ consent, design, ref_text, x_vector_only_mode }: AddVoice): string {
  if (consent === undefined && design === undefined) {
    const message = "consent: is required for a recording of somebody: say who agreed to be imitated, and when";
    throw new SpeechError("validation_failed", message, { param: "consent" });
  }
  if (x_vector_only_mode) return "";
  const text = oneLine(withoutControlTokens(ref_text));
  const problem = referenceTextProblem(text, "ref_text");
  if (problem !== undefined) throw problem;
  return text;
}

/** The one that has the name, when it is what is asked for. Throws `voice_exists`. */
async function sameAs(voice: StoredVoice, voices: VoiceServiceOptions["voices"]): Promise<StoredVoice> {
  const found = (await voices.get(voice.id))?.value;
  if (found?.reference === voice.reference && found.referenceText === voice.referenceText) return found;
  throw voiceExists(found?.name ?? voice.name);
}

/** Throws `voice_not_found`, and `not_owner` for another publisher's. A service (without a source) may delete any. */
async function remove(id: string, source: string | undefined, { voices }: VoiceServiceOptions) {
  const entry = voiceIdSchema.safeParse(id).success ? await voices.get(id) : undefined;
  if (entry === undefined) throw new SpeechError("voice_not_found");
  if (source !== undefined && entry.value.source !== source) {
    throw new SpeechError("not_owner", "The voice belongs to another publisher.");
  }
  await voices.delete(id, entry.revision);
  return { object: "audio.voice.deleted", id, deleted: true } as const;
}

function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch (cause) {
    throw new SpeechError("invalid_json", undefined, { cause });
  }
}
