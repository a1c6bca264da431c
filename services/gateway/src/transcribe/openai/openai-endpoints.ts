/**
 * POST /v1/audio/transcriptions and /v1/audio/translations: for OpenAI's clients, and for users of qwen3-asr-server, who know
 * /v1/audio/transcriptions/stream too, the same form that always streams.
 */
import type Router from "@koa/router";
import type { WorkerState } from "@parlance/contracts";
import type { Context } from "koa";
import type { GatewayContext, GatewaySettings } from "../../gateway-context.ts";
import { readFields } from "../../http/form-fields.ts";
import { noteWarnings } from "../../http/warnings.ts";
import { streamTranscript } from "../stream/index.ts";
import { toSrt, toVtt } from "../subtitles/index.ts";
import { type TranscribedUpload, transcribe, transcribeUpload, type Upload, withUpload } from "../transcribe-upload.ts";
import { gatherStrategy } from "./chunking-strategy.ts";
import { requireLogprobs, requireTranslation } from "./model-abilities.ts";
import { type Heard, streamedEnd, transcriptionJson, translationJson, verboseJson } from "./openai-answers.ts";
import { inOpenaiNames } from "./openai-errors.ts";
import {
  type AnswerFormat,
  cutFields,
  granularitiesOf,
  type TranscriptionFields,
  transcriptionFormSchema,
  transcriptionWishes,
  translationFormSchema,
  translationWishes,
} from "./openai-forms.ts";

const fileFields = ["file"];

export function addOpenai(router: Router, gateway: GatewayContext): void {
  router.post("/v1/audio/transcriptions", (ctx) => answerTranscription(ctx));
  router.post("/v1/audio/transcriptions/stream", (ctx) => answerTranscription(ctx, { streams: true }));

  async function answerTranscription(ctx: Context, { streams = false } = {}): Promise<void> {
    const options = {
      fileFields,
      cutFields,
      readFields(raw: ReadonlyMap<string, readonly string[]>): TranscriptionFields {
        const given = streams ? new Map([...raw, ["stream", ["true"]] as const]) : raw;
        return readFields(ctx, transcriptionFormSchema, gatherStrategy(given));
      },
      wishes: transcriptionWishes,
      model: ({ model }: TranscriptionFields) => model,
      requireAble({ include }: TranscriptionFields, workers: readonly WorkerState[]) {
        if (include !== undefined) requireLogprobs(workers);
      },
    };
    await inTheirNames(withUpload(ctx, gateway, options, answer));

    async function answer(upload: Upload<TranscriptionFields>): Promise<void> {
      if (upload.fields.stream) {
        const describe = (told: TranscribedUpload<TranscriptionFields>) => streamedEnd(heardOf(told), told.fields);
        await streamTranscript(ctx, gateway, upload, { describe, named: inOpenaiNames });
        return;
      }
      const { fields, ...told } = await transcribe(gateway, upload);
      const heard = heardOf(told);
      write(ctx, gateway.settings, fields.response_format, heard, {
        json: () => transcriptionJson(heard, { timestamps: fields.return_timestamps }),
        verbose_json: () => verboseJson(heard, { task: "transcribe", granularities: granularitiesOf(fields) }),
      });
    }
  }

  router.post("/v1/audio/translations", async (ctx) => {
    const upload = transcribeUpload(ctx, gateway, {
      fileFields,
      readFields(raw) {
        return readFields(ctx, translationFormSchema, raw);
      },
      wishes: translationWishes,
      model: ({ model }) => model,
      requireAble: (_, workers) => requireTranslation(workers),
    });
    const { fields, ...told } = await inTheirNames(upload);
    const heard = heardOf(told);
    write(ctx, gateway.settings, fields.response_format, heard, {
      json: () => translationJson(heard),
      verbose_json: () => verboseJson(heard, { task: "translate", granularities: new Set(["segment"]) }),
    });
  });
}

async function inTheirNames<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw inOpenaiNames(error);
  }
}

function heardOf({ transcript, done }: Pick<TranscribedUpload<unknown>, "transcript" | "done">): Heard {
  return { transcript, seconds: done.audioSeconds ?? 0 };
}

interface OwnShapes {
  json: () => object;
  verbose_json: () => object;
}

/** OpenAI's clients parse `application/json` alone: all other answers are texts to them. */
function write(
  ctx: Context,
  { SUBTITLE_CUES: cues }: GatewaySettings,
  format: AnswerFormat,
  heard: Heard,
  shapes: OwnShapes,
): void {
  const { transcript, seconds } = heard;
  noteWarnings(ctx, transcript.warnings);
  switch (format) {
    case "json":
    case "verbose_json":
      ctx.body = shapes[format]();
      return;
    case "text":
      ctx.type = "text/plain; charset=utf-8";
      ctx.body = `${transcript.text}\n`;
      return;
    case "srt":
      ctx.type = "text/plain; charset=utf-8";
      ctx.body = toSrt(transcript, { seconds, cues });
      return;
    case "vtt":
      ctx.type = "text/vtt; charset=utf-8";
      ctx.body = toVtt(transcript, { seconds, cues });
  }
}
