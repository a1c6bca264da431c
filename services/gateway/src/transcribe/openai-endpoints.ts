/** POST /v1/audio/transcriptions: for users of qwen3-asr-server and of OpenAI's clients. */
import type Router from "@koa/router";
import { contextOf, type LanguageName, languageCodes, SpeechError } from "@parlance/contracts";
import type { GatewayContext } from "../gateway-context.ts";
import { readFields } from "../http/form-fields.ts";
import { openaiFormSchema } from "./transcribe-forms.ts";
import { transcribeUpload } from "./transcribe-upload.ts";

export function addOpenai(router: Router, gateway: GatewayContext): void {
  router.post("/v1/audio/transcriptions", async (ctx) => {
    const { fields, transcript, done } = await transcribeUpload(ctx, gateway, {
      fileFields: ["file"],
      readFields(raw) {
        const fields = readFields(ctx, openaiFormSchema, raw);
        if (fields.timestamp_granularities !== undefined && fields.response_format !== "verbose_json") {
          throw new SpeechError(
            "validation_failed",
            "response_format must be verbose_json when timestamp_granularities[] is given",
            { param: "response_format" },
          );
        }
        return fields;
      },
      wishes: (fields) => ({
        language: fields.language,
        timestamps: fields.return_timestamps || fields.response_format === "verbose_json",
        context: contextOf(fields),
      }),
    });
    const { text, language, timestamps = [] } = transcript;
    if (fields.response_format === "text") {
      ctx.type = "text/plain; charset=utf-8";
      ctx.body = `${text}\n`;
      return;
    }
    if (fields.response_format === "verbose_json") {
      ctx.body = {
        task: "transcribe",
        language: language.toLowerCase(),
        duration: done.audioSeconds ?? 0,
        text,
        words: timestamps.map((word) => ({ word: word.text, start: word.start, end: word.end })),
      };
      return;
    }
    ctx.body = { text, language: codesOf(language), ...(fields.return_timestamps ? { timestamps } : {}) };
  });
}

/** ISO codes of comma-joined English names, as this endpoint's users know them. */
function codesOf(languages: string): string {
  return languages
    .split(",")
    .map((name) => languageCodes[name as LanguageName] ?? name)
    .join(",");
}
