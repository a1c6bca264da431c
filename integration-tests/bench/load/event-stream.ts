/** Server-sent events as a client reads them: a `data` of JSON each. Comments and the `[DONE]` of some servers are no events. */

export async function* readEvents(chunks: AsyncIterable<string>): AsyncGenerator<unknown, void> {
  let buffered = "";
  for await (const chunk of chunks) {
    // A pair of line ends may come in two pieces: a lone end at the end is left for the next one.
    buffered += chunk;
    for (;;) {
      const end = /\r?\n\r?\n/.exec(buffered);
      if (end === null) break;
      const event = buffered.slice(0, end.index);
      buffered = buffered.slice(end.index + end[0].length);
      const data = dataOf(event);
      if (data !== "" && data !== "[DONE]") yield JSON.parse(data);
    }
  }
}

function dataOf(event: string): string {
  return event
    .split(/\r?\n/)
    .flatMap((line) => (line.startsWith("data:") ? [line.slice(5).replace(/^ /, "")] : []))
    .join("\n");
}
