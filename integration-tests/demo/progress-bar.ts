/** A progress bar on one line of a terminal; in a log, a line each time a tenth more is done. */
export function createProgressBar(total: number, stream: NodeJS.WriteStream = process.stdout) {
  let shownTenth = -1;
  return {
    show(done: number, note: string): void {
      const share = total === 0 ? 1 : done / total;
      if (stream.isTTY) {
        const width = 32;
        const full = Math.round(share * width);
        stream.write(`\r[${"█".repeat(full)}${"░".repeat(width - full)}] ${done} of ${total} ${note}\u001b[K`);
        return;
      }
      const tenth = Math.floor(share * 10);
      if (tenth === shownTenth) return;
      shownTenth = tenth;
      stream.write(`${done} of ${total} ${note}\n`);
    },
    end(): void {
      if (stream.isTTY) stream.write("\n");
    },
  };
}
