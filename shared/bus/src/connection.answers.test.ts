/** Answers of a cluster that are not final, in orders that a real one gives only now and then. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rememberSequences } from "./link/seen-sequences.ts";
import type { StoredMessage } from "./streams/messages.ts";
import {
  respondStatus,
  respondStored,
  type ScriptedStreams,
  startScriptedStreams,
} from "./testing/scripted-streams.ts";
import type { Bus } from "./types.ts";

let streams: ScriptedStreams;
let bus: Bus;
beforeAll(async () => {
  streams = await startScriptedStreams();
  ({ bus } = streams);
});
afterAll(async () => await streams.close());

const apiError = (code: number, err_code: number, description: string) =>
  JSON.stringify({ error: { code, err_code, description } });

describe("publishing", () => {
  it.each([
    [409, 10158, "duplicate message id is in process"],
    [400, 10164, "wrong last sequence"],
    [500, 10009, "JetStream cluster can not handle request"],
    [429, 10167, "too many requests"],
    [503, 10163, "expected last sequence per subject temporarily unavailable"],
    [500, 10118, "stream is offline"],
  ])("%i %i means to ask again, with the same id", async (code, number, description) => {
    const ids: (string | undefined)[] = [];
    const subject = `speech.done.b.${number}`;
    await streams.answer(subject, (request, count) => {
      ids.push(request.headers?.get("Nats-Msg-Id"));
      request.respond(count < 2 ? apiError(code, number, description) : '{"stream":"RESULTS","seq":7}');
    });
    expect(await bus.publishOnce(subject, "x", { first: true })).toEqual({ seq: 7, duplicate: false });
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(1);
  });

  it("a first writer that came second is told so", async () => {
    await streams.answer("speech.done.b.second", (request) =>
      request.respond(apiError(400, 10071, "wrong last sequence: 3")),
    );
    expect(await bus.publishOnce("speech.done.b.second", "x", { first: true })).toEqual({ seq: 3, duplicate: true });
  });
});

describe("a leader that has just been elected", () => {
  it("has no say until it has come as far as what was stored", async () => {
    const config = { name: "ELECTED", storage: "file", allow_direct: true, num_replicas: 3 };
    const answers = [
      { last_seq: 6, subjects: {} },
      { last_seq: 7, subjects: { "speech.done.elected.0": 1 } },
    ];
    await streams.answer("$JS.API.STREAM.INFO.ELECTED", (request, count) => {
      const state = { messages: 1, bytes: 1, first_seq: 1, ...answers[Math.min(count, 1)] };
      request.respond(JSON.stringify({ config, created: "2026-01-01T00:00:00Z", state }));
    });
    await streams.answer("speech.done.elected.0", (request) => request.respond('{"stream":"ELECTED","seq":7}'));
    await bus.publishOnce("speech.done.elected.0", "x", { first: true });
    expect(await bus.countSubjects("ELECTED", "speech.done.elected.*")).toEqual(
      new Map([["speech.done.elected.0", 1]]),
    );
  });

  it("is named by who answers: a server that was held up and knows of none is not believed", async () => {
    const config = { name: "LEADERLESS", storage: "file", allow_direct: true, num_replicas: 3 };
    const subject = "speech.done.leaderless.0";
    const answers = [
      { cluster: { name: "c" }, state: { last_seq: 0, subjects: {} } },
      { cluster: { name: "c", leader: "node-1" }, state: { last_seq: 1, subjects: { [subject]: 1 } } },
    ];
    await streams.answer("$JS.API.STREAM.INFO.LEADERLESS", (request, count) => {
      const { cluster, state } = answers[Math.min(count, 1)] ?? {};
      const whole = { messages: 1, bytes: 1, first_seq: 1, ...state };
      request.respond(JSON.stringify({ config, created: "2026-01-01T00:00:00Z", cluster, state: whole }));
    });
    expect(await bus.countSubjects("LEADERLESS", "speech.done.leaderless.*")).toEqual(new Map([[subject, 1]]));
  });

  it("is believed again after a minute: a stream that was made anew counts from one", () => {
    let now = 0;
    const seen = rememberSequences(() => now);
    seen.note("S", 7);
    seen.note("S", 5);
    seen.note("T", 1);
    expect([seen.of("S"), seen.of("T"), seen.of("U")]).toEqual([7, 1, 0]);
    now = 60_001;
    expect(seen.of("S")).toBe(0);
  });
});

describe("a read of which replicas have less than the leader", () => {
  const names = ["a", "b", "c", "d"].map((item) => `speech.done.b.${item}`);

  /** The leader knows four messages, 1 to 4, of a stream of three replicas. */
  async function lead(stream: string): Promise<void> {
    const state = { messages: 4, bytes: 4, first_seq: 1, last_seq: 4, num_subjects: 4 };
    await streams.answer(`$JS.API.STREAM.INFO.${stream}`, (request) => {
      const wanted: unknown = request.data.length === 0 ? {} : request.json();
      const subjects = Object.fromEntries(names.map((name) => [name, 1]));
      const listed = JSON.stringify(wanted).includes("subjects_filter") ? { subjects } : {};
      const config = { name: stream, allow_direct: true, num_replicas: 3 };
      request.respond(JSON.stringify({ config, created: "2026-01-01T00:00:00Z", state: { ...state, ...listed } }));
    });
    await streams.answer(`$JS.API.STREAM.MSG.GET.${stream}`, (request) => {
      const { seq = 0, last_by_subj } = request.json<{ seq?: number; last_by_subj?: string }>();
      const found = last_by_subj === undefined ? Math.max(1, seq) : names.indexOf(last_by_subj) + 1;
      const subject = names[found - 1];
      if (subject === undefined) request.respond(apiError(404, 10037, "no message found"));
      else {
        const data = Buffer.from(`${found}`).toString("base64");
        request.respond(
          JSON.stringify({ message: { subject, seq: found, data, time: new Date(found).toISOString() } }),
        );
      }
    });
  }

  async function texts(stream: string, lastPerSubject: boolean): Promise<string[]> {
    const found: StoredMessage[] = [];
    for await (const message of bus.read({ stream, subject: "speech.done.b.*", lastPerSubject })) found.push(message);
    return found.map(({ data }) => new TextDecoder().decode(data));
  }

  it.each([false, true])("takes the rest from the leader (newest of each: %s)", async (lastPerSubject) => {
    const stream = `LAGS_${lastPerSubject}`;
    await lead(stream);
    await streams.answer(`$JS.API.DIRECT.GET.${stream}`, (request, count) => {
      if (count > 0) return respondStatus(request, 404);
      respondStored(request, 1, names[0] ?? "", "1");
      respondStored(request, 2, names[1] ?? "", "2");
      respondStatus(request, 204, 0);
    });
    expect(await texts(stream, lastPerSubject)).toEqual(["1", "2", "3", "4"]);
  });

  it.each([false, true])(
    "takes all from the leader where replicas do not answer (newest of each: %s)",
    async (last) => {
      const stream = `SILENT_${last}`;
      await lead(stream);
      await streams.answer(`$JS.API.DIRECT.GET.${stream}`, () => {});
      expect(await texts(stream, last)).toEqual(["1", "2", "3", "4"]);
    },
  );

  it("a status that is neither an end nor nothing there is not an answer", async () => {
    await lead("STATUS");
    await streams.answer("$JS.API.DIRECT.GET.STATUS", (request, count) => {
      const { seq } = request.json<{ seq: number }>();
      if (count % 2 === 0) return respondStatus(request, count % 4 === 0 ? 500 : 503);
      respondStored(request, seq, names[seq - 1] ?? "", `replica's ${seq}`);
      respondStatus(request, 204, names.length - seq);
    });
    expect(await texts("STATUS", false)).toEqual([1, 2, 3, 4].map((seq) => `replica's ${seq}`));
  });

  it("a replica that does not get ahead does not hold up the reader", async () => {
    await lead("STUCK");
    await streams.answer("$JS.API.DIRECT.GET.STUCK", (request) => {
      respondStored(request, 1, names[0] ?? "", "1");
      respondStatus(request, 204, 3);
    });
    expect(await texts("STUCK", false)).toEqual(["1", "2", "3", "4"]);
  });

  it("throws when the leader is not there to say what is missing", async () => {
    const state = { messages: 4, bytes: 4, first_seq: 1, last_seq: 4 };
    const config = { name: "HEADLESS", allow_direct: true, num_replicas: 3 };
    await streams.answer("$JS.API.STREAM.INFO.HEADLESS", (request) =>
      request.respond(JSON.stringify({ config, created: "2026-01-01T00:00:00Z", state })),
    );
    await streams.answer("$JS.API.STREAM.MSG.GET.HEADLESS", (request) =>
      request.respond(apiError(503, 10008, "JetStream system temporarily unavailable")),
    );
    await streams.answer("$JS.API.DIRECT.GET.HEADLESS", (request) => respondStatus(request, 404));
    await expect(texts("HEADLESS", false)).rejects.toMatchObject({ code: "bus_unavailable" });
  }, 30_000);
});
