/** `npm start`: builds the services when their sources changed, then becomes the program that runs everything. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const build = fileURLToPath(new URL("../build.mjs", import.meta.url));
const built = spawnSync(process.execPath, [build], { stdio: "inherit" });
if (built.status !== 0) {
  process.stderr.write("parlance: the services could not be built\n");
  process.exit(1);
}
await import("./dist/run.js");
