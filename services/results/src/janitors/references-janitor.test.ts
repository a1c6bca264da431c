import { type FileInfo, listVoices } from "@parlance/bus";
import { useTestServer } from "@parlance/bus/testing";
import { buckets, type StoredVoice, subjects, voiceEntries, voiceIdOf } from "@parlance/contracts";
import { describe, expect, test } from "vitest";
import { expiredReferences, sweepReferences } from "./references-janitor.ts";

const minute = 60_000;
const reference = (id: string, createdAt: number): FileInfo => ({
  ...{ id, bytes: 1, contentType: "audio/pcm", filename: id, createdAt },
});

describe("expiredReferences", () => {
  const clock = {
    ...{ now: 100 * minute, oldestJob: 100 * minute, oldestIntake: 100 * minute },
    ...{ ttlMs: 40 * minute, excessBytes: 0 },
  };
  const all = [reference("old", 54 * minute), reference("young", 56 * minute), reference("voice", 0)];

  test("what was not used for its time goes, and never what a stored voice is", () => {
    expect(expiredReferences(all, new Set(["voice"]), clock).map(({ id }) => id)).toEqual(["old"]);
  });

  test("nothing goes that unfinished work may name, nor within half an hour of its use", () => {
    for (const oldest of [{ oldestJob: 98 * minute }, { oldestIntake: 98 * minute }]) {
      expect(expiredReferences(all, new Set(["voice"]), { ...clock, ...oldest })).toEqual([]);
    }
    const hasty = { ...clock, ttlMs: 1_000 };
    const ids = expiredReferences([reference("a", 64 * minute), reference("b", 66 * minute)], new Set(), hasty);
    expect(ids.map(({ id }) => id)).toEqual(["a"]);
  });

  test("where there is no room the oldest go that no job waits for, as many as are too many, whatever is in intake", () => {
    const ages = [69, 10, 40, 71].map((at) => reference(`${at}`, at * minute));
    const long = { ...clock, ttlMs: 1_000 * minute, oldestIntake: 0 };
    const goes = (change: object) => expiredReferences(ages, new Set(), { ...long, ...change }).map(({ id }) => id);
    expect(goes({})).toEqual([]);
    expect(goes({ excessBytes: 2 })).toEqual(["10", "40"]);
    expect(goes({ excessBytes: 9 })).toEqual(["10", "40", "69"]);
    expect(goes({ excessBytes: 9, oldestJob: 50 * minute })).toEqual(["10"]);
  });
});

describe("the janitor", () => {
  const rig = useTestServer({ secured: true });

  test("with its own permissions: waits for a clone that waits, keeps a voice's, deletes the rest", async () => {
    const own = await rig.connectAs("results");
    const references = await rig.bus.files(buckets.references);
    const ofVoice = "0f".repeat(32);
    for (const id of [ofVoice, "of-nobody"]) {
      const file = { id, contentType: "audio/pcm", filename: id, maxBytes: 9 };
      await references.put(
        file,
        (async function* () {
          yield new Uint8Array(8);
        })(),
      );
    }
    const voice: StoredVoice = {
      ...{ id: voiceIdOf("Anna"), name: "Anna", createdAt: 1, reference: ofVoice, seconds: 1 },
      ...{ referenceText: "", language: "auto" },
    };
    await rig.bus.bucket(voiceEntries).put(voice.id, voice);
    const voices = own.bucket(voiceEntries);
    expect(await listVoices(voices)).toEqual([voice]);
    await rig.bus.publishOnce(subjects.job("voice_clone", "batch", "b", "0", 0), "Hi.", {});
    const sweep = async () =>
      await sweepReferences({
        ...{ bus: own, references: await own.files(buckets.references), voices, ttlMs: 1_000 },
        now: () => Date.now() + 60 * minute,
      });
    expect(await sweep()).toBe(0);
    const [job] = await rig.bus.pull({ stream: "JOBS", durable: "voice_clone-batch", max: 1, waitMs: 5_000 });
    await job?.ack();
    expect(await sweep()).toBe(1);
    expect((await references.list()).map(({ id }) => id)).toEqual([ofVoice]);
    await rig.bus.bucket(voiceEntries).delete(voice.id);
    expect(await sweep()).toBe(1);
  });
});
