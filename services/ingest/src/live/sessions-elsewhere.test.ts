import { SpeechError } from "@parlance/contracts";
import { expect, test } from "vitest";
import { rememberSessions } from "./sessions-elsewhere.ts";

function rig() {
  let now = 0;
  const told: unknown[] = [];
  const publish = (_: string, payload: string | Uint8Array) => void told.push(JSON.parse(String(payload)));
  return { told, elsewhere: rememberSessions({ publish }, () => now), pass: (ms: number) => (now += ms) };
}

const error = new SpeechError("session_ended");

test("who goes on sending behind the end is told once a second", () => {
  const { told, elsewhere, pass } = rig();
  elsewhere.note("s", { kind: "refused", error, final: true, utterances: 2, heardTo: { seq: 7, time: 70 } });
  for (let seq = 8; seq < 58; seq += 1) {
    pass(50);
    elsewhere.tellAgain("s", { seq, time: 10 * seq });
  }
  expect(told).toHaveLength(2);
  expect(told).toEqual(Array(2).fill(expect.objectContaining({ type: "closed", utterances: 2 })));
});

test("frames from before the end that are heard of late are no going on, and those of a stream that counts anew are", () => {
  const { told, elsewhere, pass } = rig();
  elsewhere.note("s", { kind: "refused", error, final: true, heardTo: { seq: 7, time: 70 } });
  pass(5_000);
  elsewhere.tellAgain("s", { seq: 6, time: 60 });
  elsewhere.tellAgain("s", { seq: 7, time: 70 });
  expect(told).toEqual([]);
  elsewhere.tellAgain("s", { seq: 2, time: 90 });
  expect(told).toHaveLength(1);
});

test("what nobody refused is told nothing", () => {
  const { told, elsewhere, pass } = rig();
  elsewhere.note("s", { kind: "held", holder: "another" });
  pass(5_000);
  elsewhere.tellAgain("s", { seq: 1, time: 1 });
  expect(told).toEqual([]);
});
