/** A supervisor that starts an engine on a pass that never ends, tells its pid, and waits to be killed. */
import { startEngine } from "../engine/engine-process.ts";
import { monotonicNow } from "../engine/engine-protocol.ts";

const entry = new URL("./scripted-engine.ts", import.meta.url);
const engine = startEngine({ entry, options: {}, deadline: monotonicNow() + 60_000 });
await engine.loaded;
engine.run({ urgency: 0, jobs: [{ meta: null, payload: Buffer.from("hang") }] }, ({ type }) => {
  if (type === "started") process.stdout.write(`${engine.pid}\n`);
});
