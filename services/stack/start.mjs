/** `npm start`: builds the services when their sources changed, then runs everything. */
import { spawnSync } from "node:child_process";
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

const built = spawnSync(process.execPath, [fileURLToPath(new URL("../build.mjs", import.meta.url))], {
  stdio: "inherit",
});
if (built.status !== 0) {
  process.stderr.write("parlance: the services could not be built\n");
  process.exit(1);
}
// Without it Node would strip the types of the stack's own sources anew each time.
enableCompileCache(fileURLToPath(new URL("../../.parlance/compile-cache", import.meta.url)));
await import("./src/main.ts");
