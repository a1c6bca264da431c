/** Server-sent events, read from a fetch: EventSource can send neither a key nor a body. */
import { call } from "./api.ts";

export async function* readEvents<Event>(path: string, init: RequestInit): AsyncGenerator<Event, void> {
  const { body } = await call(path, init);
  if (body === null) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + decoder.decode(value, { stream: true })).split("\n\n");
      rest = blocks.pop() ?? "";
      for (const block of blocks) if (block.startsWith("data: ")) yield JSON.parse(block.slice("data: ".length));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
