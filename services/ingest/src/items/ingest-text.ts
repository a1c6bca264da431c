/** One text to speak: cut at its sentences, each published as a job that needs nothing else. */
import { abilityProblem, type SpeechAbilities, SpeechError } from "@parlance/contracts";
import { scriptProblem } from "@parlance/tts/text";
import type { IntakeItem } from "../intake/intake-batch.ts";
import { type SpeechWish, unspeakable } from "../intake/read-speech.ts";
import { findReference } from "../references/find-reference.ts";
import { voiceLanguage } from "../references/voice-language.ts";
import { piecesAfter } from "./begun-item.ts";
import type { ItemContext } from "./item-context.ts";

/**
 * Throws why the text cannot be spoken, or what another delivery of the message may heal. Counts what it has published, also for
 * whoever catches what it throws.
 */
export async function ingestText(
  item: IntakeItem,
  wish: SpeechWish,
  context: ItemContext,
  published: { n: number },
): Promise<void> {
  const { record, publisher, queued, metrics, speechWorkers } = context;
  await requireAbility(item, wish, context);
  const reference =
    item.operation === "voice_clone"
      ? await findReference(item, wish, {
          ...context,
          urgent: record.lane !== "batch",
          acceptedAt: record.acceptedAt,
        })
      : undefined;
  const language = voiceLanguage({
    ...{ asked: item.wishes.language, recorded: reference?.language ?? "auto", text: wish.text },
    workers: await speechWorkers(false),
  });
  const begun = await queued.piecesOf(item.itemId);
  const pieces = piecesAfter(begun, wish.text);
  if (pieces.length === begun.length)
    throw new SpeechError("internal", "All of the text is published, and no end of it.");
  for (const [n, { text, pauseMs }] of pieces.entries()) {
    await publisher.text(item, wish, { n, text, pauseMs, last: n === pieces.length - 1, reference, language });
    published.n = Math.max(published.n, n + 1);
    metrics.jobs.inc();
  }
}

/**
 * A job of an operation that no model does would wait for ever. Workers that are asked may be slow to answer, so what is to be refused
 * is asked about twice. While none has ever answered, the text waits aside: see waiting-room.ts.
 */
async function requireAbility(item: IntakeItem, wish: SpeechWish, { speechWorkers }: ItemContext): Promise<void> {
  const asked = { ...wish, operation: item.operation, language: item.wishes.language };
  for (const source of ["known", "asked again"] as const) {
    const workers = await speechWorkers(source === "asked again");
    if (workers.length === 0) {
      throw new SpeechError("worker_unavailable", `No worker has said yet whether it can do ${item.operation}.`);
    }
    const problem = abilityProblem(asked, workers, wish.names) ?? foreign(wish, workers);
    if (problem === undefined) return;
    if (source === "asked again") throw problem;
  }
}

function foreign(wish: SpeechWish, workers: readonly SpeechAbilities[]): SpeechError | undefined {
  const problem = scriptProblem(wish.text, workers);
  return problem === undefined ? undefined : unspeakable(problem, wish.names);
}

/** Throws `operation_unavailable` when this installation does not speak. */
export function requireSpeech(speaks: boolean): void {
  if (!speaks) throw new SpeechError("operation_unavailable", "Speaking is switched off (ENABLE_TTS).");
}
