import fc from "fast-check";
import { expect, it } from "vitest";
import { readEvents } from "./event-stream.ts";

async function eventsOf(pieces: readonly string[]): Promise<unknown[]> {
  async function* chunks() {
    yield* pieces;
  }
  const events: unknown[] = [];
  for await (const event of readEvents(chunks())) events.push(event);
  return events;
}

it("events are the same however their bytes are cut", async () => {
  const events = [{ type: "a", delta: "Größe\n\n" }, { type: "b" }, ["c", 1]];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom("\n", "\r\n"),
      fc.array(fc.nat({ max: 200 }), { maxLength: 20 }),
      async (end, cuts) => {
        const sent = events.map((event) => `: alive${end}${end}data: ${JSON.stringify(event)}${end}${end}`).join("");
        const places = [0, ...cuts.filter((cut) => cut < sent.length).sort((a, b) => a - b), sent.length];
        const pieces = places.slice(1).map((place, index) => sent.slice(places[index], place));
        expect(await eventsOf(pieces)).toEqual(events);
      },
    ),
  );
});

it("data on several lines is one event, and what is no data is none", async () => {
  expect(await eventsOf(['event: x\nid: 1\ndata: {"a":\ndata:1}\n\n', "data: [DONE]\n\n", 'data: {"cut": '])).toEqual([
    { a: 1 },
  ]);
});
