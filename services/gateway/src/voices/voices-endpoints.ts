/** GET and POST /v1/audio/voices, DELETE /v1/audio/voices/{voice_id}: the models' own voices, and those that were stored. */
import type Router from "@koa/router";
import { listVoices } from "@parlance/bus";
import {
  requestSubjects,
  SpeechError,
  toSpeechError,
  toVoiceAnswer,
  type VoiceAnswer,
  voiceAnswerSchema,
  voiceDeletedSchema,
  voiceIdSchema,
} from "@parlance/contracts";
import type { Context } from "koa";
import { askIngest } from "../ask-ingest.ts";
import type { GatewayContext } from "../gateway-context.ts";
import { FORM_BYTES, readForm } from "../http/form.ts";
import { readFields } from "../http/form-fields.ts";
import { requireSpeech } from "../models/speech-models.ts";
import { designVoice, findDesigned } from "./design-voice.ts";
import { voiceFormSchema, voiceRequestSchema } from "./voice-requests.ts";

const SAMPLE = "audio_sample";

export function addVoices(router: Router, gateway: GatewayContext): void {
  const { bus, settings, speech, voices } = gateway;

  router.get("/v1/audio/voices", async (ctx) => {
    requireSpeech(settings);
    const [workers, stored] = await Promise.all([speech.workers(), listVoices(voices)]);
    if (workers.length === 0 && stored.length === 0)
      throw new SpeechError("worker_unavailable", "No text-to-speech worker has answered yet.");
    const own = new Map(
      workers.flatMap(({ model, voices = [], defaultVoice }) =>
        voices.map((voice) => [voice.id, { ...voice, model, default: voice.id === defaultVoice }] as const),
      ),
    );
    const kept = stored.map((voice) => ({ ...toVoiceAnswer(voice), stored: true, default: false }));
    ctx.body = { voices: [...own.values(), ...kept] };
  });

  router.post("/v1/audio/voices", async (ctx) => {
    requireSpeech(settings);
    ctx.body = ctx.is("multipart") ? await fromForm(ctx, gateway) : await fromJson(ctx, gateway);
  });

  router.delete("/v1/audio/voices/:id", async (ctx) => {
    requireSpeech(settings);
    const id = voiceIdSchema.safeParse(ctx.params.id);
    if (!id.success) throw new SpeechError("voice_not_found");
    ctx.body = await askIngest(bus, requestSubjects.voiceDelete(id.data), {}, voiceDeletedSchema);
  });
}

async function fromForm(ctx: Context, gateway: GatewayContext): Promise<VoiceAnswer> {
  const { files, settings, audio, bodies, metrics } = gateway;
  bodies.take(ctx, FORM_BYTES);
  const { taken, fields } = await readForm(ctx.req, {
    fileFields: [SAMPLE],
    maxFileBytes: settings.MAX_UPLOAD_BYTES,
    take: audio.store,
    discard: ({ fileId }) => files.delete(fileId),
  });
  metrics.uploadedBytes.inc(taken.bytes);
  try {
    const asked = readFields(ctx, voiceFormSchema, fields);
    return await add(gateway, { ...asked, ref_audio: taken.fileId });
  } catch (error) {
    throw inFormNames(toSpeechError(error));
  } finally {
    await discard(gateway, taken.fileId);
  }
}

async function fromJson(ctx: Context, gateway: GatewayContext): Promise<VoiceAnswer> {
  const { design_text, ...asked } = await gateway.readJson(ctx, voiceRequestSchema);
  const { design } = asked;
  if (design === undefined) return await add(gateway, asked);
  const wanted = { ...asked, design, design_text };
  // Before it is spoken: nobody is to wait for speech that cannot be kept.
  const there = await findDesigned(wanted, gateway);
  if (there !== undefined) return toVoiceAnswer(there);
  try {
    const { fileId, text, seed } = await designVoice(ctx, gateway, wanted);
    return await add(gateway, { ...asked, seed, ref_audio: fileId, ref_text: text });
  } catch (error) {
    throw inDesignNames(toSpeechError(error));
  }
}

function add({ bus }: GatewayContext, body: object): Promise<VoiceAnswer> {
  return askIngest(bus, requestSubjects.voiceAdd, body, voiceAnswerSchema);
}

/** What is kept of it lies elsewhere; where it cannot be deleted it goes with its time. */
async function discard({ files, log }: GatewayContext, fileId: string): Promise<void> {
  await files.delete(fileId).catch((error: unknown) => log.warn({ err: error, fileId }, "a sample is left behind"));
}

/** Who sent a description knows of no item, and of no recording: what the model made of it may be no voice. */
function inDesignNames(error: SpeechError): SpeechError {
  switch (error.param?.replace(/^items\.0\./, "")) {
    case "text":
      return underName(error, "design_text");
    case "instructions":
      return underName(error, "design");
    case "ref_audio": {
      const why = "what the model made of it is no voice to keep; try another seed, or other words";
      return underName(error, "design", (told) => `${why} (${told})`);
    }
    default:
      return error;
  }
}

/** The recording is `ref_audio` to ingest; its sender called it otherwise. */
function inFormNames(error: SpeechError): SpeechError {
  return error.param === "ref_audio" ? underName(error, SAMPLE) : error;
}

/** The same of a field that its sender knows by another name. */
function underName(error: SpeechError, name: string, tell = (told: string) => told): SpeechError {
  const { code, message, param = "" } = error;
  const told = message.startsWith(`${param}: `) ? message.slice(param.length + 2) : message;
  return new SpeechError(code, `${name}: ${tell(told)}`, { param: name, cause: error });
}
