/** Server-sent events, read from a fetch: EventSource can send neither a key nor a body. */
import { call } from "./api.ts";
import { createEventParser } from "./event-parser.ts";

export async function* readEvents<Event>(path: string, init: RequestInit): AsyncGenerator<Event, void> {
  const { body } = await call(path, init);
  if (body === null) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parse = createEventParser<Event>();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parse(decoder.decode(value, { stream: true }));
    }
  } finally {
    // It may be broken already: then there is nothing left to end.
    await reader.cancel().catch(() => undefined);
  }
}
