/** POST /v1/audio/transcriptions and /v1/audio/translations: for OpenAI's clients, and for users of qwen3-asr-server. */
import type Router from "@koa/router";
import { knowWorkers } from "@parlance/bus";
import type { Transcript } from "@parlance/contracts";
import type { Context } from "koa";
import type { GatewayContext } from "../../gateway-context.ts";
import { readFields } from "../../http/form-fields.ts";
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
    answer(ctx, fields.response_format, heard.transcript, {
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
    answer(ctx, fields.response_format, heard.transcript, {
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

function answer(
  ctx: Context,
  format: AnswerFormat,
  transcript: Transcript,
  objects: { json: () => object; verbose_json: () => object },
): void {
  switch (format) {
    case "json":
    case "verbose_json":
      ctx.body = objects[format]();
      return;
    case "text":
      ctx.type = "text/plain; charset=utf-8";
      ctx.body = `${transcript.text}\n`;
  }
}
