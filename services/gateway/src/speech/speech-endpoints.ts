/** POST /v1/audio/speech, for OpenAI's clients. */
import type Router from "@koa/router";
import {
  countCharacters,
  headerNames,
  operationWith,
  type Submission,
  seedOf,
  toSpeechError,
} from "@parlance/contracts";
import type { Context } from "koa";
import { acceptBatch } from "../batch/accept-batch.ts";
import { withFollowedBatch } from "../batch/interactive.ts";
import type { GatewayContext } from "../gateway-context.ts";
import { requireSpeech } from "../models/speech-models.ts";
import { findVoice } from "../voices/find-voice.ts";
import { answerWithAudio, answerWithEvents, type SpeechAnswer, streamSpeech } from "./speech-answer.ts";
import { inRequestNames, readSpeechOrder, type SpeechOrder, speechRequestSchema, voiceOf } from "./speech-request.ts";
import { listenForSpoken } from "./spoken-segments.ts";

const ITEM_ID = "0";

export function addSpeech(router: Router, gateway: GatewayContext): void {
  router.post("/v1/audio/speech", async (ctx) => {
    requireSpeech(gateway.settings);
    const request = await gateway.readJson(ctx, speechRequestSchema);
    const workers = await gateway.speech.workers();
    const voice = await findVoice(voiceOf(request), workers, gateway);
    await speak(ctx, gateway, readSpeechOrder(request, voice, workers));
  });
}

async function speak(ctx: Context, gateway: GatewayContext, order: SpeechOrder): Promise<void> {
  const { bus, notebook, files, settings, log, now } = gateway;
  const timeoutMs = settings.REQUEST_TIMEOUT * 1_000;
  let answer: SpeechAnswer | undefined;
  try {
    await withFollowedBatch(
      ctx,
      gateway,
      operationWith("custom_voice", order.voice),
      (batchId) => listenForSpoken({ bus, files, log }, batchId, ITEM_ID),
      async ({ batchId, events, follow }) => {
        const seed = order.seed ?? seedOf(batchId, ITEM_ID);
        // It is told before the sound: by the time that is whole, the headers are gone.
        ctx.set(headerNames.seed, String(seed));
        const publish = () => acceptBatch({ bus, notebook }, batchId, toSubmission({ ...order, seed }), now());
        await follow(publish, 1, async (gone) => {
          const options = { gone, timeoutMs };
          answer =
            order.streamFormat === "sse" ? answerWithEvents(ctx, options) : answerWithAudio(ctx, order.format, options);
          const characters = countCharacters(order.text);
          await streamSpeech({ sound: events.inOrder(timeoutMs, gone), format: order.format, answer, characters });
        });
      },
    );
  } catch (error) {
    const known = inRequestNames(toSpeechError(error));
    if (answer?.begun !== true || ctx.res.destroyed || !answer.fail(known)) throw known;
    ctx.state.errorCode = known.code;
    log.warn({ err: error, requestId: ctx.state.requestId }, "speech broke off");
  }
}

function toSubmission({ text, voice, instructions, language, speed, seed }: SpeechOrder): Submission {
  return {
    label: "",
    lane: "interactive",
    items: [
      {
        itemId: ITEM_ID,
        operation: operationWith("custom_voice", voice),
        text,
        ...(voice === undefined ? {} : { voice }),
        instructions,
        language,
        speed,
        ...(seed === undefined ? {} : { seed }),
        // Of the item's own file; this answer is encoded here, while it comes.
        format: "wav",
        parts: true,
      },
    ],
  };
}
