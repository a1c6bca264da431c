/** `npm start`: builds the services when their sources changed, then becomes the program that runs everything. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { smallNode } from "./src/small-node.ts";

const pathOf = (path) => fileURLToPath(new URL(path, import.meta.url));
const built = spawnSync(process.execPath, [pathOf("../build.mjs")], { stdio: "inherit" });
if (built.status !== 0) {
  process.stderr.write("parlance: the services could not be built\n");
  process.exit(1);
}
const program = pathOf("./dist/main.js");
if (process.execve === undefined) {
  // On Windows nothing takes a process's place.
  await import(new URL("./dist/main.js", import.meta.url));
} else {
  // Node says of execve that it is experimental, to everybody who starts a program that calls it.
  process.emitWarning = () => {};
  process.execve(process.execPath, [process.execPath, ...smallNode, program], {
    ...process.env,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? pathOf("../../.parlance/compile-cache"),
    MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? "1",
  });
}
