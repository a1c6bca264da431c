import fc from "fast-check";
import { expect, test } from "vitest";
import { createFrameReader, encodeFrame, type Frame, type FromEngine } from "./engine-protocol.ts";

test("frames come out as they went in, however the stream is cut", () => {
  const frame = fc.tuple(fc.nat(), fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 4 }));
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 5 }), fc.integer({ min: 1, max: 64 }), (frames, piece) => {
      const stream = Buffer.concat(
        frames.flatMap(([id, payloads]) => encodeFrame({ type: "started", id, pass: 1, rows: [0], at: 0 }, payloads)),
      );
      const read: Frame<FromEngine>[] = [];
      const push = createFrameReader<FromEngine>((each) => read.push(each));
      for (let at = 0; at < stream.byteLength; at += piece) push(stream.subarray(at, at + piece));
      expect(
        read.map(({ message, payloads }) => [
          message.type === "started" && message.id,
          payloads.map((each) => new Uint8Array(each)),
        ]),
      ).toEqual(frames);
    }),
  );
});
