import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type ChildService, startChildService } from "./child-service.ts";

const main = fileURLToPath(new URL("./fixtures/child.ts", import.meta.url));
const children: ChildService[] = [];
const pids = new Map<string, number | undefined>();
const lines: string[] = [];

function start(does: string, firstMessage?: () => object): ChildService {
  const child = startChildService({
    name: "child",
    main,
    environment: { ...process.env, CHILD_DOES: does },
    nodeOptions: [],
    onLine: (_, line) => lines.push(line),
    onPid: (name, pid) => pids.set(name, pid),
    ...(firstMessage && { firstMessage }),
  });
  children.push(child);
  return child;
}

afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.stop()));
  lines.length = 0;
});

describe("a child service", () => {
  it("tells where it can be reached once it is ready", async () => {
    await expect(start("work").ready).resolves.toMatchObject({ url: "http://there" });
  });

  it("that is killed is started again under a new process id", async () => {
    await start("work").ready;
    const first = pids.get("child") ?? 0;
    process.kill(first, "SIGKILL");
    await vi.waitFor(() => expect(pids.get("child") ?? first).not.toBe(first), 5_000);
    expect(lines).toContain("ended with SIGKILL; starting it again");
  });

  it("that cannot start says why once and is not started again", async () => {
    await expect(start("fail").ready).rejects.toThrow("child: port 1 is taken");
    expect(pids.get("child")).toBeUndefined();
    expect(lines.filter((line) => line.includes("taken"))).toEqual([]);
  });

  it("tells its metrics while it lives, and is not waited for when it is silent or gone", async () => {
    const child = start("work");
    await child.ready;
    expect(await Promise.all([child.metrics("one"), child.metrics("two")])).toEqual([
      'child_up{of="one"} 1\n',
      'child_up{of="two"} 1\n',
    ]);
    await child.stop();
    expect(await child.metrics("child")).toBeUndefined();
    const silent = start("say nothing");
    await silent.ready;
    expect(await silent.metrics("child")).toBeUndefined();
  });

  it("is told again what it was told before it died", async () => {
    const child = start("work");
    child.tell({ kind: "word" });
    await child.ready;
    const times = () => lines.filter((line) => line === "was told").length;
    await vi.waitFor(() => expect(times()).toBe(1), 5_000);
    process.kill(pids.get("child") ?? 0, "SIGKILL");
    await vi.waitFor(() => expect(times()).toBe(2), 5_000);
  });

  it("is told first what its first message is then, each time that it is started", async () => {
    let times = 0;
    const child = start("work", () => {
      times += 1;
      return { kind: "word", text: `start ${times}` };
    });
    await child.ready;
    await vi.waitFor(() => expect(lines).toContain("was told start 1"), 5_000);
    process.kill(pids.get("child") ?? 0, "SIGKILL");
    await vi.waitFor(() => expect(lines).toContain("was told start 2"), 5_000);
  });

  it("is gone after stop, and stays gone", async () => {
    const child = start("work");
    await child.ready;
    const pid = pids.get("child") ?? 0;
    await child.stop();
    expect(() => process.kill(pid, 0)).toThrow();
    expect(pids.get("child")).toBeUndefined();
  });
});
