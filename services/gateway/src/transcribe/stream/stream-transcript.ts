/** A received form's text to its caller while it comes, as OpenAI's events. */
import type { SpeechError } from "@parlance/contracts";
import type { Context } from "koa";
import { transcriptOf } from "../../batch/interactive.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import type { TranscribedUpload, Upload } from "../transcribe-upload.ts";
import { type EventStream, openEventStream } from "./event-stream.ts";
import type { TextDelta } from "./text-deltas.ts";

export interface StreamedAnswer<Fields> {
  /** What the last event says beside its type: the whole text, and what else is answered when it is not streamed. */
  describe: (told: TranscribedUpload<Fields>) => { text: string };
  /** A failure in the names of the request's fields. */
  named: (error: unknown) => SpeechError;
}

/**
 * `transcript.text.delta` events, whose texts are the transcript's one behind the other, then one `transcript.text.done`. Until the
 * audio is accepted errors are answered as everywhere; from then on they are the last event.
 */
export async function streamTranscript<Fields>(
  ctx: Context,
  gateway: GatewayContext,
  { fields, wishes, text, run }: Upload<Fields>,
  { describe, named }: StreamedAnswer<Fields>,
): Promise<void> {
  const { settings, metrics, log } = gateway;
  const silenceMs = settings.REQUEST_TIMEOUT * 1_000;
  const { language, logprobs = false } = wishes;
  let events: EventStream | undefined;

  async function tell(gone: AbortSignal): Promise<void> {
    // Of a text that is told again nothing was told before.
    const stream = events ?? openEventStream(ctx, { gone });
    events = stream;
    const firstText = metrics.firstTextSeconds.startTimer();
    let begun = false;
    const write = async ({ text: delta, logprobs: tokens }: TextDelta) => {
      if (!begun) firstText();
      begun = true;
      await stream.write({
        type: "transcript.text.delta",
        delta,
        ...(tokens === undefined ? {} : { logprobs: tokens }),
      });
    };
    for (;;) {
      const heard = await text.next(silenceMs, gone);
      if ("delta" in heard) {
        await write(heard.delta);
        continue;
      }
      const transcript = await transcriptOf(heard.done, gateway);
      const rest = text.rest(transcript.text);
      if (rest !== undefined) await write(rest);
      stream.end({ type: "transcript.text.done", ...describe({ fields, transcript, done: heard.done }) });
      return;
    }
  }

  text.listen({ language: language === "auto" ? "" : language, logprobs });
  metrics.streams.inc();
  try {
    await run({ ...wishes, parts: true }, tell);
  } catch (error) {
    const known = named(error);
    if (events === undefined || ctx.res.destroyed) throw known;
    events.fail(known);
    ctx.state.errorCode = known.code;
    log.warn({ err: error, requestId: ctx.state.requestId }, "a transcript broke off");
  } finally {
    metrics.streams.dec();
  }
}
