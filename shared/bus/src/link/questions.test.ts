import { startTestServer, type TestServer } from "@parlance/nats/testing";
import { errors, type Msg, type NatsConnection } from "nats";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createQuestions, type Questions } from "./questions.ts";

let server: TestServer;
let other: NatsConnection;
let questions: Questions;
beforeAll(async () => {
  server = await startTestServer({ jetstream: false, topology: false });
  other = await server.connect();
  questions = createQuestions(await server.connect(), "_INBOX");
});
afterAll(() => server.stop());

const ask = async (subject: string, payload = "", timeoutMs = 60_000) =>
  (await questions.ask(subject, payload, { timeoutMs })).string();

/** Takes requests from now on, and leaves them to the test to answer. */
async function taken(subject: string, count: number): Promise<() => Promise<Msg[]>> {
  const requests = (async () => {
    const found: Msg[] = [];
    for await (const request of other.subscribe(subject, { max: count })) found.push(request);
    return found;
  })();
  await other.flush();
  return () => requests;
}

it("each question has its own answer, in whatever order they come", async () => {
  const requests = await taken("echo", 3);
  const answers = ["a", "b", "c"].map((text) => ask("echo", text));
  for (const request of (await requests()).toReversed()) request.respond(`${request.string()}!`);
  expect(await Promise.all(answers)).toEqual(["a!", "b!", "c!"]);
});

it("where nobody listens that is the answer", async () => {
  await expect(ask("nobody")).rejects.toBeInstanceOf(errors.NoRespondersError);
});

it("an answer that comes too late is nobody's", async () => {
  const requests = await taken("slow", 2);
  await expect(ask("slow", "first", 1)).rejects.toBeInstanceOf(errors.TimeoutError);
  const second = ask("slow", "second");
  for (const request of await requests()) request.respond(request.string());
  expect(await second).toBe("second");
});

it("a loss of the connection ends all of them, a refusal those on its subject", async () => {
  const requests = await taken("kept.*", 4);
  const [one, two, three, four] = ["a", "b", "b", "c"].map((name) => ask(`kept.${name}`));
  await requests();
  questions.refuse(new errors.PermissionViolationError("no", "publish", "kept.b"));
  await expect(two).rejects.toThrow("no");
  await expect(three).rejects.toThrow("no");
  questions.lose();
  await expect(one).rejects.toMatchObject({ name: "ConnectionLost" });
  await expect(four).rejects.toMatchObject({ name: "ConnectionLost" });
});

it("what cannot be published is thrown", async () => {
  await expect(ask("large", "x".repeat(2 * 1_048_576))).rejects.toBeInstanceOf(errors.InvalidArgumentError);
});
