import { expect, it } from "vitest";
import { createStandardOutput } from "./standard-output.ts";

const failure = (code: string) => Object.assign(new Error(code), { code });

it("a line is written whole, however little is taken at once and however often the pipe is full", () => {
  let written = "";
  let turn = 0;
  const output = createStandardOutput((bytes) => {
    turn += 1;
    if (turn % 2 === 0) throw failure("EAGAIN");
    written += Buffer.from(bytes.subarray(0, 3)).toString("latin1");
    return Math.min(3, bytes.length);
  });
  output.write("first line\n");
  output.write("second\n");
  expect(written).toBe("first line\nsecond\n");
});

it("when nobody reads any more, lines are dropped and nothing is tried again", () => {
  let tries = 0;
  const output = createStandardOutput(() => {
    tries += 1;
    throw failure("EPIPE");
  });
  output.write("one\n");
  output.write("two\n");
  expect(tries).toBe(1);
});
