import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { users } from "../accounts/permissions.ts";
import { ensureCredentials, readCredentials } from "./credentials.ts";

describe("credentials", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "parlance-credentials-"));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("are made once, one password per service, for the owner's eyes only", async () => {
    expect(readCredentials(folder)).toBeUndefined();
    const made = ensureCredentials(folder);
    const passwords = users.map((user) => made[user].password);
    expect(new Set(passwords).size).toBe(users.length);
    expect(passwords.every((password) => password.length >= 32)).toBe(true);
    expect((await stat(join(folder, "credentials.json"))).mode & 0o777).toBe(0o600);
    expect(ensureCredentials(folder)).toEqual(made);
    expect(readCredentials(folder)).toEqual(made);
  });

  it("a service that is new gets its password, the others keep theirs", async () => {
    const { monitor, ...before } = ensureCredentials(folder);
    await writeFile(join(folder, "credentials.json"), JSON.stringify(before));
    const after = ensureCredentials(folder);
    expect(after).toMatchObject(before);
    expect(after.monitor.password).not.toBe(monitor.password);
    expect(JSON.parse(await readFile(join(folder, "credentials.json"), "utf8"))).toEqual(after);
  });

  it("a publisher that is named once keeps its password, also while it is not named", () => {
    const first = ensureCredentials(folder, ["my-app"]).publishers["my-app"];
    expect(first).toMatchObject({ user: "my-app", password: expect.stringMatching(/^[\w-]{32}$/) });
    expect(Object.keys(ensureCredentials(folder, ["other"]).publishers)).toEqual(["other"]);
    expect(ensureCredentials(folder, ["my-app", "other"]).publishers["my-app"]).toEqual(first);
  });
});
