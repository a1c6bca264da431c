import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { SpeechError } from "@parlance/contracts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveModel } from "../resolve-model.ts";
import { preferredWeights } from "./selection.ts";
import { answer, chunked, commit, drop, etagOf, type FakeHub, other, stall, startFakeHub } from "./testing/fake-hub.ts";
import { fetchSome, repository, someFiles, someLayout, source } from "./testing/some-model.ts";

const files = someFiles();
const data = files["onnx/graph.onnx_data"] ?? Buffer.alloc(0);
const dataPath = `/${repository}/resolve/${commit}/onnx/graph.onnx_data`;
const listingPath = `/api/models/${repository}/revision/main`;

let root: string;
let hub: FakeHub;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parlance-hub-"));
  hub = await startFakeHub(repository, files);
});
afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

const fetchIt = (options: Partial<Parameters<typeof fetchSome>[0]> = {}) =>
  fetchSome({ modelRoot: root, ...options, hub: { endpoint: hub.url, ...options.hub } });

async function failure(options: Parameters<typeof fetchIt>[0] = {}): Promise<SpeechError> {
  const error = await fetchIt(options).catch((cause: unknown) => cause);
  if (!(error instanceof SpeechError)) throw new Error(`was not refused: ${error}`);
  expect(existsSync(join(root, "maker", "some"))).toBe(false);
  return error;
}

async function expectWhole(): Promise<void> {
  const model = await resolveModel({ modelId: "maker/some", modelRoot: root, log: () => {} });
  expect(await readFile(join(model.folder, "onnx/graph.onnx_data"))).toEqual(data);
  expect(await readdir(join(root, ".downloads"))).toEqual([]);
}

const askedForData = () => hub.asked.filter(({ path }) => path === dataPath);

describe("a model from a hub", () => {
  it("becomes a folder with a manifest of checksums, without what nobody needs", async () => {
    const progress: number[] = [];
    const folder = await fetchIt({ onProgress: ({ bytes }) => progress.push(bytes) });
    await expectWhole();
    const model = await resolveModel({ modelId: folder, layouts: [someLayout], log: () => {} });
    expect(model.manifest).toMatchObject({ name: "maker/some", version: commit, architecture: "some" });
    expect(Object.keys(model.files)).toEqual(["config", "graph", "data:onnx/graph.onnx_data"]);
    expect((await readdir(folder)).sort()).toEqual(["config.json", "manifest.json", "onnx"]);
    expect(await readdir(join(folder, "onnx"))).toEqual(["graph.onnx", "graph.onnx_data"]);
    expect(progress.at(-1)).toBe(data.length + 2_000 + 20);
  });

  it("comes with the weights that are wanted, and without external data of others", async () => {
    const folder = await fetchIt({ weights: ["int8", "plain"] });
    expect(await readdir(join(folder, "onnx"))).toEqual(["graph_int8.onnx"]);
    expect((await resolveModel({ modelId: folder, log: () => {} })).files["graph.int8"]).toContain("graph_int8.onnx");
    await rm(join(root, "maker"), { recursive: true });
    // A compute type is a wish: what the hub has not is made up for by the best that it has.
    const instead = await fetchIt({ weights: preferredWeights("float16", false) });
    expect(await readdir(join(instead, "onnx"))).toEqual(["graph.onnx", "graph.onnx_data"]);
  });

  it("with a manifest of its own is taken by that manifest", async () => {
    const first = await fetchIt();
    const own = { ...files, "manifest.json": await readFile(join(first, "manifest.json")) };
    await rm(first, { recursive: true });
    await using second = await startFakeHub(repository, own);
    await fetchIt({ hub: { endpoint: second.url }, layouts: [] });
    await expectWhole();
  });

  it.each([
    ["drops the connection", [drop(100_000), drop(50_000)]],
    ["stalls", [stall(100_000)]],
    ["is overloaded", [answer(429, { "retry-after": 0 }), answer(503), answer(500)]],
    ["sends other bytes", [other((content) => Buffer.alloc(content.length, 1))]],
    ["announces another length", [other((content) => content.subarray(1))]],
    ["sends too much without a length", [chunked((content) => Buffer.concat([content, content]))]],
    ["sends too little without a length", [chunked((content) => content.subarray(0, 9))]],
  ])("is whole although the hub %s at first", async (_, misbehaviours) => {
    hub.next(dataPath, ...misbehaviours);
    await fetchIt({ hub: { endpoint: hub.url, stallMs: 1_000 } });
    await expectWhole();
    expect(askedForData().length).toBe(misbehaviours.length + 1);
  });

  it("goes on where the connection broke off, if the hub still has the same bytes", async () => {
    hub.next(dataPath, drop(100_000));
    await fetchIt();
    expect(askedForData()[1]).toMatchObject({ range: "bytes=100000-", ifRange: etagOf(data), sent: 200_000 });
  });

  it("begins again where the hub knows no ranges, or answers another one", async () => {
    hub.next(
      dataPath,
      drop(100_000),
      other((content) => content),
    );
    await fetchIt();
    await expectWhole();
    await rm(join(root, "maker"), { recursive: true });
    const shifted = { "content-range": `bytes 5-${data.length - 1}/${data.length}`, "content-length": data.length - 5 };
    hub.next(dataPath, drop(100_000), answer(206, shifted, data.subarray(5)));
    await fetchIt();
    await expectWhole();
  });

  it("is given up when the bytes are wrong again and again, and nothing of them stays", async () => {
    const wrong = other((content) => Buffer.alloc(content.length, 1));
    hub.next(dataPath, wrong, wrong);
    const error = await failure();
    expect(error.code).toBe("model_unavailable");
    expect(error.message).toContain("onnx/graph.onnx_data is not what the hub lists");
    expect(existsSync(join(root, ".downloads/maker--some", commit, "onnx/graph.onnx_data.part"))).toBe(false);
  });

  it("is given up after five tries without a byte", async () => {
    hub.next(dataPath, ...Array.from({ length: 9 }, () => answer(500)));
    expect((await failure()).code).toBe("model_unavailable");
    expect(askedForData()).toHaveLength(5);
  });

  it("leads the token to the hub's own origin and nowhere else, and never into a message", async () => {
    await using elsewhere = await startFakeHub(repository, files);
    const token = "hf_secret";
    hub.next(dataPath, answer(302, { location: `${elsewhere.url}${dataPath}` }));
    const lines: string[] = [];
    await fetchIt({
      hub: { endpoint: hub.url, token },
      log: (message, fields) => lines.push(message + JSON.stringify(fields)),
    });
    await expectWhole();
    expect(hub.asked.every(({ authorization }) => authorization === `Bearer ${token}`)).toBe(true);
    expect(elsewhere.asked.map(({ authorization }) => authorization)).toEqual([undefined]);
    expect(lines.join()).not.toContain(token);
  });

  it("is refused after endless redirects, and after one to something that is not HTTP", async () => {
    hub.next(dataPath, ...Array.from({ length: 9 }, () => answer(302, { location: dataPath })));
    expect((await failure()).message).toContain("redirects more than 5 times");
    hub.next(dataPath, ...Array.from({ length: 9 }, () => answer(302, { location: "file:///etc/passwd" })));
    expect((await failure()).message).toContain("redirects from http:// to file://");
  });

  it.each([
    [401, "model_not_found", "set HF_TOKEN"],
    [403, "model_not_found", "set HF_TOKEN"],
    [404, "model_not_found", "has no someone/some-onnx"],
  ])("that the hub answers with %i is told so, and what to do", async (status, code, words) => {
    hub.next(listingPath, answer(status));
    const error = await failure();
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
    expect(error.message).toContain(`into ${join(root, "maker", "some")} by hand`);
  });

  it("comes from the other repository that is known where the first is not there, or holds no model", async () => {
    const first = "somebody/gone";
    for (const status of [404, 401]) {
      hub.next(`/api/models/${first}/revision/main`, answer(status));
      await fetchIt({ source: { ...source, repository: first, otherwise: repository } });
      await expectWhole();
      await rm(join(root, "maker"), { recursive: true });
    }
    await using empty = await startFakeHub(repository, { "README.md": Buffer.from("nothing here") });
    const both = { ...source, otherwise: first };
    const error = await failure({ source: both, hub: { endpoint: empty.url } });
    expect(error.code).toBe("model_not_found");
    expect(empty.asked.map(({ path }) => path)).toContain(`/api/models/${first}/revision/main`);
    // An overloaded hub is no reason to look elsewhere.
    hub.next(listingPath, answer(500));
    expect((await failure({ source: both })).code).toBe("model_unavailable");
  });

  it("without a hub in reach says which files belong where", async () => {
    const error = await failure({ hub: { endpoint: "http://127.0.0.1:9" } });
    expect(error.code).toBe("model_unavailable");
    expect(error.message).toContain(`put its files and a manifest.json into ${join(root, "maker", "some")}`);
  });

  it("of an unknown layout, with a listing that makes no sense, or with unsafe names is refused", async () => {
    expect((await failure({ layouts: [] })).message).toContain("neither a manifest.json nor the ONNX graphs");
    hub.listing = () => "nothing";
    expect((await failure()).code).toBe("model_unavailable");
    hub.listing = (siblings) => siblings.map((file) => ({ ...file, rfilename: `../${file.rfilename}` }));
    expect((await failure()).message).toContain("neither a manifest.json");
  });

  it("is not begun when the disk has no room for it", async () => {
    const error = await failure({ freeBytes: async () => 1_000_000 });
    expect(error.code).toBe("storage_full");
    expect(error.message).toMatch(/needs \d+ MB more in .*, and 1.0 MB are free/);
    expect(askedForData()).toEqual([]);
  });

  it("is not put over somebody's files", async () => {
    await mkdir(join(root, "maker", "some"), { recursive: true });
    await writeFile(join(root, "maker", "some", "mine"), "");
    await expect(fetchIt()).rejects.toThrow("holds other files");
    expect(await readdir(join(root, "maker", "some"))).toEqual(["mine"]);
  });

  it("stops when it is asked to", async () => {
    hub.pace = 1_000;
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error("enough")), 100);
    await expect(fetchIt({ signal: stop.signal })).rejects.toThrow("enough");
  });
});

describe("downloaders in several processes", () => {
  const program = fileURLToPath(new URL("./testing/some-model.ts", import.meta.url));

  function run() {
    const child = spawn(process.execPath, [program, root, hub.url], { stdio: ["ignore", "pipe", "inherit"] });
    const output: string[] = [];
    child.stdout.setEncoding("utf8").on("data", (text: string) => output.push(text));
    return { child, output, exited: once(child, "exit") };
  }

  const part = () => join(root, ".downloads/maker--some", commit, "onnx/graph.onnx_data.part");
  const partBytes = async () => (await stat(part()).catch(() => undefined))?.size ?? 0;

  it("that were killed leave nothing that looks complete, and the next one goes on from there", async () => {
    hub.pace = 3_000;
    const killed = run();
    while ((await partBytes()) < 60_000) await pause(10);
    killed.child.kill("SIGKILL");
    await killed.exited;
    expect(existsSync(join(root, "maker"))).toBe(false);
    hub.pace = undefined;
    const next = run();
    expect(await next.exited).toEqual([0, null]);
    await expectWhole();
    const [first, second] = askedForData();
    expect(second?.range).toMatch(/^bytes=\d{5,}-$/);
    expect(second?.sent).toBeLessThan(data.length - 50_000);
    expect(first?.sent).toBeLessThan(data.length);
  });

  it("take turns: one downloads, the others wait and find it", async () => {
    hub.pace = 100;
    const all = [run(), run(), run()];
    const waiting = () => all.filter(({ output }) => output.join("").includes("waiting for it"));
    // However long their processes take to start.
    while (waiting().length < 2) await pause(10);
    hub.pace = undefined;
    for (const each of all) expect(await each.exited).toEqual([0, null]);
    await expectWhole();
    expect(askedForData()).toHaveLength(1);
    expect(waiting()).toHaveLength(2);
  });
});
