/** What of a job lies elsewhere, and is fetched before it waits among the others. */
import { handClock } from "@parlance/bus/testing";
import { type Failure, SpeechError, subjects, writeHeaders } from "@parlance/contracts";
import { describe, expect, test } from "vitest";
import { createAdmission } from "./admit.ts";
import { asItIs, type FetchPayload, type Job } from "./job.ts";

const pairs = new Map(writeHeaders({ submittedAt: 1, last: true }));
const headers = {
  get: (name: string) => pairs.get(name) ?? "",
  has: (name: string) => pairs.has(name),
  keys: () => [...pairs.keys()],
};

/** What becomes of one job whose payload is fetched so. */
async function admit(fetchPayload: FetchPayload, options: { storesFailures?: boolean; isOpen?: () => boolean } = {}) {
  const { storesFailures = true, isOpen = () => true } = options;
  const taken: Job[] = [];
  const failures: Failure[] = [];
  const said: string[] = [];
  const works: Promise<unknown>[] = [];
  const room: number[] = [];
  const admission = createAdmission({
    settlement: {
      ...{ result: async () => true, dead: async () => true, isDone: async () => false },
      ...{ forget: async () => true, acknowledge: async () => true },
      async failure(_job, failure) {
        failures.push(failure);
        return storesFailures;
      },
    },
    toJob: asItIs,
    fetchPayload,
    unfinished: { of: async () => 0 },
    maxDeliveries: 3,
    isOpen,
    isCancelled: () => false,
    onJob: (job) => taken.push(job),
    onRoom: () => room.push(admission.underway("batch", "voice_clone")),
    track: (work) => works.push(work),
    metrics: undefined,
    clock: handClock(),
  });
  admission.accept({
    ...{
      subject: subjects.job("voice_clone", "batch", "b", "i", 0),
      headers,
      data: Buffer.from("Hi."),
      seq: 1,
      time: 1,
    },
    ...{ deliveries: 1, pending: 0, settled: false },
    ack: async () => {},
    nak: (ms = 0) => void said.push(`nak ${ms}`),
    working: () => {},
    term: () => {},
    letGo: () => void said.push("let go"),
  });
  const before = taken.length;
  const underway = [admission.underway("batch", "voice_clone"), admission.underway("batch", "custom_voice")];
  await Promise.all(works);
  return { taken, failures, said, before, underway, room };
}

describe("a job of which something lies elsewhere", () => {
  test("is taken when that is there, and has it as its row's payload", async () => {
    const { taken, before } = await admit(async () => Uint8Array.of(7));
    expect([before, taken.map(({ engineJob }) => engineJob.payload)]).toEqual([0, [Uint8Array.of(7)]]);
  });

  test("is given back where it came too late for this worker", async () => {
    let open = true;
    const fetchPayload = async () => {
      open = false;
      return new Uint8Array();
    };
    expect(await admit(fetchPayload, { isOpen: () => open })).toMatchObject({ taken: [], said: ["nak 0"] });
  });

  test("comes again when time may heal it", async () => {
    const away = () => Promise.reject(new SpeechError("bus_unavailable"));
    expect(await admit(away)).toMatchObject({ taken: [], failures: [], said: ["nak 5000"] });
  });

  test("has failed when it cannot be had, and comes again when that cannot be told", async () => {
    const gone = () => Promise.reject(new SpeechError("reference_gone"));
    expect(await admit(gone)).toMatchObject({ taken: [], failures: [{ code: "reference_gone" }], said: [] });
    expect(await admit(gone, { storesFailures: false })).toMatchObject({ taken: [], said: ["let go"] });
  });

  test("takes room in its lane for as long as it is fetched, whatever becomes of it", async () => {
    const away = () => Promise.reject(new SpeechError("bus_unavailable"));
    for (const fetchPayload of [async () => Uint8Array.of(7), away]) {
      expect(await admit(fetchPayload)).toMatchObject({ underway: [1, 0], room: [0] });
    }
  });

  test("that needs nothing is taken at once", async () => {
    expect(await admit(() => undefined)).toMatchObject({ before: 1, underway: [0, 0], room: [], said: [] });
  });
});
