/** POST /v1/audio/transcriptions and /v1/audio/translations: for OpenAI's clients, and for users of qwen3-asr-server. */
import type Router from "@koa/router";
import { knowWorkers } from "@parlance/bus";
import type { Context } from "koa";
import type { GatewayContext, GatewaySettings } from "../../gateway-context.ts";
import { readFields } from "../../http/form-fields.ts";
import { toSrt, toVtt } from "../subtitles/index.ts";
import { type TranscribedUpload, transcribeUpload } from "../transcribe-upload.ts";
import { gatherStrategy } from "./chunking-strategy.ts";
import { requireLogprobs, requireTranslation } from "./model-abilities.ts";
import { type Heard, transcriptionJson, translationJson, verboseJson } from "./openai-answers.ts";
import { inOpenaiNames } from "./openai-errors.ts";
import {
  type AnswerFormat,
  granularitiesOf,
  transcriptionFormSchema,
  transcriptionWishes,
  translationFormSchema,
  translationWishes,
} from "./openai-forms.ts";

const fileFields = ["file"];

export function addOpenai(router: Router, gateway: GatewayContext): void {
  const workers = knowWorkers({ bus: gateway.bus, family: "asr" });

  router.post("/v1/audio/transcriptions", async (ctx) => {
    const upload = transcribeUpload(ctx, gateway, {
      fileFields,
      async readFields(raw) {
        const fields = readFields(ctx, transcriptionFormSchema, gatherStrategy(raw));
        if (fields.include !== undefined) requireLogprobs(await workers());
        return fields;
      },
      wishes: transcriptionWishes,
    });
    const { fields, heard } = await heardOf(upload);
    write(ctx, gateway.settings, fields.response_format, heard, {
      json: () => transcriptionJson(heard, { timestamps: fields.return_timestamps }),
      verbose_json: () => verboseJson(heard, { task: "transcribe", granularities: granularitiesOf(fields) }),
    });
  });

  router.post("/v1/audio/translations", async (ctx) => {
    const upload = transcribeUpload(ctx, gateway, {
      fileFields,
      async readFields(raw) {
        const fields = readFields(ctx, translationFormSchema, raw);
        requireTranslation(await workers());
        return fields;
      },
      wishes: translationWishes,
    });
    const { fields, heard } = await heardOf(upload);
    write(ctx, gateway.settings, fields.response_format, heard, {
      json: () => translationJson(heard),
      verbose_json: () => verboseJson(heard, { task: "translate", granularities: new Set(["segment"]) }),
    });
  });
}

async function heardOf<Fields>(upload: Promise<TranscribedUpload<Fields>>): Promise<{ fields: Fields; heard: Heard }> {
  try {
    const { fields, transcript, done } = await upload;
    return { fields, heard: { transcript, seconds: done.audioSeconds ?? 0 } };
  } catch (error) {
    throw inOpenaiNames(error);
  }
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
