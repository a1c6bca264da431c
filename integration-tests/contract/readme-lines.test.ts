/** The lines that README.md and the page of subjects tell a new user to type, typed twice against a pipeline that runs. */
import { execFile, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connect } from "nats";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Pipeline, repositoryRoot, startPipeline } from "../src/pipeline.ts";

let pipeline: Pipeline;
/** Where shell lines run: recordings are there, and what they write goes with it. */
let folder: string;
let programs: string;

const standIns = { nats: "./readme/nats-stand-in.ts", jq: "./readme/jq-stand-in.ts" };

beforeAll(async () => {
  pipeline = await startPipeline();
  folder = mkdtempSync(join(tmpdir(), "parlance-readme-"));
  programs = mkdtempSync(join(tmpdir(), "parlance-programs-"));
  symlinkSync(join(repositoryRoot, "integration-tests"), join(folder, "integration-tests"));
  for (const [name, path] of Object.entries(standIns)) {
    const main = fileURLToPath(new URL(path, import.meta.url));
    writeFileSync(join(programs, name), `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`);
    chmodSync(join(programs, name), 0o755);
  }
}, 180_000);

afterAll(async () => {
  await pipeline?.stop();
  for (const each of [folder, programs]) rmSync(each, { recursive: true, force: true });
}, 60_000);

interface Block {
  language: string;
  code: string;
  /** The heading that it stands under. */
  under: string;
}

function blocksOf(file: string): Block[] {
  const page = readFileSync(join(repositoryRoot, file), "utf8");
  return [...page.matchAll(/^```(bash|js)\n(.*?)^```$/gms)].map(({ 1: language = "", 2: code = "", index }) => {
    const under = [...page.slice(0, index).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? "";
    return { language, code, under };
  });
}

/** Lines of npm start programs of their own: tests of those run them. */
const isOfNpm = ({ code }: Block) => code.split("\n").every((line) => line === "" || line.startsWith("npm "));

/** With the addresses of this test's pipeline in place of the usual ones. */
const here = (code: string) =>
  code
    .replaceAll("http://127.0.0.1:8100", pipeline.gatewayUrl)
    .replaceAll('"127.0.0.1:4222"', JSON.stringify(pipeline.natsUrl));

async function run({ language, code }: Block): Promise<string> {
  // The real programs, where they are at hand.
  const env = { ...process.env, PATH: `${process.env.PATH}${delimiter}${programs}`, NATS_URL: pipeline.natsUrl };
  const options = { env, timeout: 90_000, cwd: language === "js" ? repositoryRoot : folder };
  if (language === "js") {
    const child = promisify(execFile)(process.execPath, ["--input-type=module", "-"], options);
    child.child.stdin?.end(here(code));
    const { stdout } = await child;
    return stdout;
  }
  const child = spawn("bash", ["-eo", "pipefail", "-c", here(code)], { ...options, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const status = await new Promise((resolve) => child.once("close", resolve));
  expect(status, output).toBe(0);
  return output;
}

/** What each block must say, in order of appearance. */
const said: Record<string, RegExp[]> = {
  "README.md": [
    /"text":\s*"turn on the lights in the kitchen please"/,
    /"status":\s*"queued"[\s\S]*turn on the lights in the kitchen please/,
    /^turn on the lights in the kitchen please$/m,
    /"timestamps"[\s\S]*"cancelled":\s*false/,
    /data: .*"transcript\.text\.delta"[\s\S]*"transcript\.text\.done","text":"turn on the lights in the kitchen please"/,
    /"type":"ready"[\s\S]*"type":"final"[^\n]*"text":"turn on the lights in the kitchen please"[\s\S]*"type":"done"/,
    /^voice_[0-9a-f]{32}$/m,
    /"sentence","n":0,"text":"Good morning\."[\s\S]*bytes of sound[\s\S]*"audio_end","n":1[\s\S]*"done"/,
    /^\.\.\. turn on[\s\S]*^turn on the lights in the kitchen please$[\s\S]*^completed$/m,
  ],
  "nats/subjects.md": [
    // The summary, and then what is asked for.
    /"completed":2[\s\S]*"completed":2[\s\S]*"events"[\s\S]*"cancelled":false/,
    /^0 [a-z].*[\s\S]*^1 \{[\s\S]*queue_custom_voice|^1 \{[\s\S]*queue_custom_voice[\s\S]*^0 [a-z]/m,
  ],
};

describe.each(Object.keys(said))("%s", (file) => {
  const blocks = blocksOf(file).filter((block) => !isOfNpm(block));

  it("has as many blocks as are known here", () => {
    expect(blocks.map(({ under }) => under)).toHaveLength(said[file]?.length ?? 0);
  });

  it.each(blocks.map((block, index) => ({ ...block, index })))(
    "works twice: $language under “$under”",
    { timeout: 240_000 },
    async (block) => {
      for (const _ of ["once", "twice"]) expect(await run(block)).toMatch(said[file]?.[block.index] ?? /./);
    },
  );
});

it("a drop that is published with an acknowledgement and refused later is told on the publisher's subject, and in its batch's history", {
  timeout: 120_000,
}, async () => {
  const nc = await connect({ servers: pipeline.natsUrl });
  const batch = `taken-${Date.now()}`;
  const refused = nc.subscribe(`speech.refused.publisher.${batch}`, { max: 1 });
  await nc.flush();
  const clip = (name: string) => readFileSync(join(repositoryRoot, "integration-tests/demo/audio", name));
  const first = await nc.request(`speech.intake.my-app.${batch}`, clip("lights.wav"), { timeout: 10_000 });
  const second = await nc.request(`speech.intake.my-app.${batch}`, clip("garden.wav"), { timeout: 10_000 });
  const { seq } = second.json<{ seq: number }>();
  expect(seq).toBeGreaterThan(first.json<{ seq: number }>().seq);
  for await (const event of refused) {
    expect(event.json()).toMatchObject({ error: { code: "batch_id_taken" }, batchId: batch, intake: { seq } });
  }
  const history = (await nc.request(`speech.history.${batch}`, "", { timeout: 10_000 })).json();
  expect(history).toMatchObject({ refused: [{ intake: { seq } }] });
  const cancel = (await nc.request(`speech.cancel.${batch}`, "", { timeout: 10_000 })).json();
  expect(cancel).toMatchObject({ batch_id: batch });
  await nc.close();
});
