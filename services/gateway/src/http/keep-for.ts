/** Asks at most once at a time, and keeps the answer for a while. */
export function keepFor<T>(ms: number, ask: () => Promise<T>): () => Promise<T> {
  let kept: { answer: Promise<T>; until: number } | undefined;
  return () => {
    if (kept !== undefined && performance.now() < kept.until) return kept.answer;
    const asked = { answer: ask(), until: Number.POSITIVE_INFINITY };
    kept = asked;
    asked.answer.then(
      () => {
        asked.until = performance.now() + ms;
      },
      () => {
        kept = undefined;
      },
    );
    return asked.answer;
  };
}
