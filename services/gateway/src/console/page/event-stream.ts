/** Server-sent events, read from a fetch: EventSource can send neither a key nor a body. */
import { call } from "./api.ts";

export async function* readEvents<Event>(path: string, init: RequestInit): AsyncGenerator<Event, void> {
  const { body } = await call(path, init);
  if (body === null) return;
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) if (block.startsWith("data: ")) yield JSON.parse(block.slice("data: ".length));
  }
}
