/** What cannot succeed is told in the client's own error classes, by name, and tried once. */
import { once } from "node:events";
import { connect } from "node:net";
import { poisonCorpus } from "@parlance/audio/testing";
import { describe, expect, it } from "vitest";
import { problemsOf } from "./answer-schemas.ts";
import { MODEL, type PackageName, type Room } from "./room.ts";

export function refusals(name: PackageName, room: Room): void {
  const problemOf = (answer: Promise<unknown>) =>
    answer.then(
      () => undefined,
      (problem: unknown) => problem,
    );
  const lights = async () => {
    const { bytes, name: file } = room.clip("lights.wav");
    return await room.package(name).toFile(bytes, file);
  };

  describe("keys", () => {
    it("that are wrong are an AuthenticationError", async () => {
      const { client, answers } = room.watch(name, { apiKey: "another" });
      const error = await problemOf(client.audio.transcriptions.create({ model: MODEL, file: await lights() }));
      expect(error).toBeInstanceOf(room.package(name).AuthenticationError);
      expect(error).toMatchObject({ status: 401, code: "unauthorized", requestID: expect.any(String) });
      expect(answers).toHaveLength(1);
      expect(problemsOf("error", JSON.parse(answers[0]?.body ?? ""))).toEqual([]);
    });

    it("that are missing are told before the body is read", async () => {
      const { hostname, port } = new URL(room.pipeline.gatewayUrl);
      const socket = connect(Number(port), hostname);
      // A gigabyte is announced, and nothing of it sent.
      const head = ["Host: 127.0.0.1", "Content-Length: 1000000000", "Content-Type: multipart/form-data; boundary=x"];
      socket.write(`POST /v1/audio/transcriptions HTTP/1.1\r\n${head.join("\r\n")}\r\n\r\n`);
      const [answer] = (await once(socket, "data")) as [Buffer];
      socket.destroy();
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 401 /);
    });
  });

  describe("models", () => {
    it("that there are not are a NotFoundError", async () => {
      const { NotFoundError } = room.package(name);
      const client = room.client(name);
      const asked = { model: "nobody/nothing-like-this", file: await lights() };
      const error = await problemOf(client.audio.transcriptions.create(asked));
      expect(error).toBeInstanceOf(NotFoundError);
      expect(error).toMatchObject({ code: "model_not_found", param: "model" });
      expect(await problemOf(client.models.retrieve("nobody/nothing-like-this"))).toBeInstanceOf(NotFoundError);
    });

    it("that do not translate are told by name", async () => {
      const client = room.client(name);
      const error = await problemOf(client.audio.translations.create({ model: MODEL, file: await lights() }));
      expect(error).toBeInstanceOf(room.package(name).BadRequestError);
      expect(error).toMatchObject({ param: "model", message: expect.stringContaining("parlance-en") });
    });
  });

  it.each(["text named .wav", "empty", "one byte"])(
    "poison (%s) is refused once, and not tried again",
    async (kind) => {
      const poison = poisonCorpus().find((each) => each.name === kind);
      const { client, answers } = room.watch(name);
      const file = await room.package(name).toFile(poison?.bytes ?? new Uint8Array(), "poison.wav");
      const error = await problemOf(client.audio.transcriptions.create({ model: MODEL, file }));
      expect(error).toBeInstanceOf(room.package(name).BadRequestError);
      expect(error).toMatchObject({ code: poison?.code, param: "file" });
      expect(answers.map(({ status, headers }) => [status, headers.get("x-should-retry")])).toEqual([[400, "false"]]);
      expect(problemsOf("error", JSON.parse(answers[0]?.body ?? ""))).toEqual([]);
    },
  );

  it.each<[object, string]>([
    [{ temperature: 7 }, "temperature"],
    [{ language: "klingon" }, "language"],
    [{ include: ["usage"] }, "include"],
    [{ stream: "perhaps" }, "stream"],
    [{ chunking_strategy: { type: "server_vad", threshold: 2 } }, "chunking_strategy.threshold"],
  ])("%o is refused by its name", async (fields, param) => {
    const { client, answers } = room.watch(name);
    const asked = Object.assign({ model: MODEL, file: await lights() }, fields);
    const error = await problemOf(client.audio.transcriptions.create(asked));
    expect(error).toBeInstanceOf(room.package(name).BadRequestError);
    expect(error).toMatchObject({ param, status: 400 });
    expect(answers).toHaveLength(1);
  });

  it("what nobody knows is let be", async () => {
    const asked = { model: MODEL, file: await lights(), user: "somebody", frequency_penalty: 1 };
    expect((await room.client(name).audio.transcriptions.create(asked)).text).not.toBe("");
  });
}
