/**
 * One socket that speaks: its text is planned (speak-plan), each group of sentences is a batch of its own on the realtime lane, and the
 * sound of one sentence after the other is sent as it is made.
 *
 * Every batch is labelled by its socket, stored and run again like any other. A caller that interrupts or goes away cancels what is
 * underway, so that its rows stop at the model's next step.
 */
import { randomUUID } from "node:crypto";
import { operationWith, SpeechError, type Submission, seedOf, toErrorBody, toSpeechError } from "@parlance/contracts";
import * as z from "zod";
import { acceptBatch, wasRefused } from "../../batch/accept-batch.ts";
import type { GatewayContext } from "../../gateway-context.ts";
import type { Socket, SocketListener } from "../../sockets/index.ts";
import { inRequestNames } from "../speech-request.ts";
import { listenForSpoken, type SpokenSegments } from "../spoken-segments.ts";
import type { SpeakOrder } from "./speak-order.ts";
import { createSpeakPlan, type PlannedSentence } from "./speak-plan.ts";
import { createSpeakSound } from "./speak-sound.ts";

export type SpeakContext = Pick<
  GatewayContext,
  "bus" | "notebook" | "files" | "settings" | "log" | "metrics" | "queue" | "model" | "now"
>;

const messageSchema = z.discriminatedUnion(
  "type",
  [
    z.object({ type: z.literal("text"), text: z.string() }),
    z.object({ type: z.literal("flush") }),
    z.object({ type: z.literal("cancel") }),
    z.object({ type: z.literal("close") }),
  ],
  "must be text, flush, cancel or close",
);

interface Batch {
  id: string;
  /** Resolves when it is stored; rejects when it is not, or nobody knows. */
  accepted: Promise<void>;
  /** Whether any of it was sent. */
  begun: boolean;
}

interface Underway {
  sentence: PlannedSentence;
  sound: SpokenSegments;
  batch: Batch;
  /** Aborts when nobody wants it any more. */
  signal: AbortSignal;
}

export function openSpeakSession(gateway: SpeakContext, order: SpeakOrder, socket: Socket): SocketListener {
  const { bus, notebook, files, settings, log, metrics, queue, model, now } = gateway;
  const timeoutMs = settings.REQUEST_TIMEOUT * 1_000;
  const seed = order.seed ?? seedOf(socket.id, "");
  const plan = createSpeakPlan();
  const sound = createSpeakSound(socket, order.format);
  let underway: Underway[] = [];
  /** What is spoken between two interruptions. */
  let turn = new AbortController();
  let isSpeaking = false;

  function sendError(cause: unknown, more: object = {}): void {
    const known = inRequestNames(toSpeechError(cause), "text");
    if (known.code === "internal") log.error({ err: cause, requestId: socket.id }, "a socket's text failed");
    const told = known.code === "internal" ? new SpeechError("internal") : known;
    socket.send({ type: "error", ...more, ...toErrorBody(told) });
  }

  function handOut(): void {
    for (let group = plan.next(); group.length > 0; group = plan.next()) {
      const id = randomUUID();
      const signal = AbortSignal.any([turn.signal, socket.gone]);
      const sounds = group.map((_, index) => listenForSpoken({ bus, files, log }, id, String(index)));
      const batch: Batch = { id, begun: false, accepted: Promise.resolve() };
      batch.accepted = accept(batch, group, sounds, signal);
      batch.accepted.catch(() => undefined);
      for (const [index, sentence] of group.entries()) {
        const own = sounds[index];
        if (own !== undefined) underway.push({ sentence, sound: own, batch, signal });
      }
    }
  }

  async function accept(
    batch: Batch,
    group: readonly PlannedSentence[],
    sounds: readonly SpokenSegments[],
    signal: AbortSignal,
  ): Promise<void> {
    await Promise.all([queue.refuseWhenFull(), ...sounds.map(({ ready }) => ready)]);
    signal.throwIfAborted();
    batch.begun = true;
    await acceptBatch({ bus, notebook }, batch.id, toSubmission(group, { ...order, seed }, socket.id), now());
    metrics.acceptedItems.inc({ lane: "realtime" }, group.length);
  }

  /** One sentence after the other, as long as there are any. */
  async function speak(): Promise<void> {
    if (isSpeaking) return;
    isSpeaking = true;
    for (;;) {
      for (let end = plan.takeEnd(); end !== undefined; end = plan.takeEnd()) {
        sound.end();
        socket.send({ type: "done" });
        if (end === "closed") socket.close();
      }
      handOut();
      const [head] = underway;
      if (head === undefined) break;
      await speakOne(head);
      underway = underway.filter((each) => each !== head);
      plan.spoken(head.sentence.n);
    }
    isSpeaking = false;
  }

  async function speakOne({ sentence, sound: own, batch, signal }: Underway): Promise<void> {
    const { n, text, pauseMs } = sentence;
    try {
      await batch.accepted;
      signal.throwIfAborted();
      socket.send({ type: "sentence", n, text });
      const seconds = await model.whileReady(operationWith("custom_voice", order.voice), signal, async (ready) => {
        let sum = 0;
        for await (const stretch of own.inOrder(timeoutMs, ready)) sum += await sound.write(stretch, signal);
        return sum;
      });
      sound.pauseAfter(pauseMs);
      socket.send({ type: "audio_end", n, seconds: Math.round(seconds * 1_000) / 1_000 });
    } catch (error) {
      if (signal.aborted) return;
      sendError(error, { n });
      // Its place is free for others.
      if (toSpeechError(error).code === "request_timeout") void cancel(batch);
    } finally {
      own.close();
    }
  }

  /** Of batches whose sentences are all spoken there is nothing to cancel. */
  function interrupt(): number[] {
    const batches = new Set(underway.map(({ batch }) => batch));
    for (const each of underway) each.sound.close();
    underway = [];
    turn.abort(new SpeechError("cancelled"));
    turn = new AbortController();
    sound.drop();
    for (const batch of batches) void cancel(batch);
    return plan.cancel();
  }

  async function cancel({ id, accepted, begun }: Batch): Promise<void> {
    if (!begun) return;
    try {
      const refused = await accepted.then(() => false, wasRefused);
      if (!refused) await notebook.cancel(id, now());
    } catch (error) {
      log.warn({ err: error, batchId: id }, "a batch that nobody waits for could not be cancelled");
    }
  }

  function hear(message: string): void {
    const heard = messageSchema.parse(readJson(message));
    if (heard.type === "text") plan.add(heard.text);
    else if (heard.type === "flush") plan.flush();
    else if (heard.type === "close") plan.close();
    else socket.send({ type: "cancelled", sentences: interrupt() });
  }

  socket.send({
    type: "ready",
    session_id: socket.id,
    format: order.format,
    seed,
    ...(order.format === "pcm" ? { sample_rate: 24_000 } : {}),
    ...(order.warnings.length === 0 ? {} : { warnings: order.warnings }),
  });
  return {
    text(message) {
      try {
        hear(message);
        handOut();
        speak().catch((error: unknown) => {
          sendError(error);
          socket.close(1011, "internal");
        });
      } catch (error) {
        sendError(error);
      }
    },
    closed() {
      interrupt();
    },
  };
}

function toSubmission(
  group: readonly PlannedSentence[],
  { voice, instructions, language, speed, seed }: SpeakOrder & { seed: number },
  label: string,
): Submission {
  const operation = operationWith("custom_voice", voice);
  const common = { operation, instructions, language, speed, seed, format: "wav", parts: true } as const;
  const items = group.map(({ text }, index) => ({
    ...common,
    itemId: String(index),
    text,
    ...(voice === undefined ? {} : { voice }),
  }));
  return { label, lane: "realtime", items };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SpeechError("invalid_json", undefined, { cause });
  }
}
