import { expect, test } from "vitest";
import { idleWorker, useTestServer } from "../testing/index.ts";
import { askWorkers, knowWorkers } from "./workers.ts";

const rig = useTestServer({ topology: false });

const state = idleWorker({ operations: ["custom_voice"] });

async function serve(answer: string, signal: AbortSignal): Promise<void> {
  rig.bus.serve("speech.workers", undefined, async (request) => request.respond(answer), signal);
  await rig.bus.flush();
}

test("every worker that answers is told of, and what cannot be read is left out", async () => {
  const gone = new AbortController();
  expect(await askWorkers(rig.bus, 50)).toEqual([]);
  await serve(JSON.stringify(state), gone.signal);
  await serve(JSON.stringify({ ...state, family: "asr" }), gone.signal);
  await serve("nonsense", gone.signal);
  expect((await askWorkers(rig.bus, 50)).map(({ family }) => family).sort()).toEqual(["asr", "tts"]);
  gone.abort();
});

test("a worker that is away for a moment is still known, and one that comes is heard of", async () => {
  const gone = new AbortController();
  const known = knowWorkers({ bus: rig.bus, family: "tts", freshMs: 0, waitMs: 50 });
  expect(await known()).toEqual([]);
  await serve(JSON.stringify(state), gone.signal);
  expect(await known()).toEqual([state]);
  gone.abort();
  await rig.bus.flush();
  await known();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(await known()).toEqual([state]);
});

test("nobody waits again for what is known", async () => {
  let questions = 0;
  const known = knowWorkers({
    family: "tts",
    freshMs: 0,
    bus: {
      requestMany: async () => {
        questions += 1;
        if (questions > 1) await new Promise((resolve) => setTimeout(resolve, 1_000));
        return [new TextEncoder().encode(JSON.stringify(state))];
      },
    },
  });
  await known();
  const began = performance.now();
  expect(await known()).toHaveLength(1);
  expect(performance.now() - began).toBeLessThan(700);
  expect(questions).toBe(2);
});
