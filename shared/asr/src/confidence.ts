/** A word's confidence from the mean of its tokens' or labels' log-probabilities: their geometric mean, to four decimals. */
export function confidenceOf(logProbabilities: readonly number[]): number {
  const sum = logProbabilities.reduce((total, each) => total + each, 0);
  return Math.round(Math.min(1, Math.exp(sum / Math.max(1, logProbabilities.length))) * 10_000) / 10_000;
}
