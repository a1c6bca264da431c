/** Which of a lane's waiting rows are handed over to join a run of it: a pure decision. */
export interface JoinQuestion<Job extends { readonly bytes: number }> {
  /** Of the run's lane, oldest first. */
  waiting: readonly Job[];
  /** Most rows that the run had at a time. */
  width: number;
  /** Most rows of any pass. */
  maxSize: number;
  /** Of the lane, handed over and not begun. */
  prepared: number;
  /** They may come to run as a pass of their own, when the run is over before they could join. */
  budgetBytes: number;
}

/**
 * A run has the places that it began with. A narrow one behind which more waits than it holds is let come to its end, so that a
 * full one can follow.
 */
export function joinRun<Job extends { readonly bytes: number }>(question: JoinQuestion<Job>): Job[] {
  const { waiting, width, maxSize, prepared, budgetBytes } = question;
  if (waiting.length + prepared > width && width * 2 <= maxSize) return [];
  const rows: Job[] = [];
  let longest = 0;
  for (const job of waiting) {
    if (prepared + rows.length >= maxSize) break;
    longest = Math.max(longest, job.bytes);
    if (rows.length > 0 && (rows.length + 1) * longest > budgetBytes) break;
    rows.push(job);
  }
  return rows;
}
