/** Becomes the program of `npm start`: what starts it leaves no process behind, and Node is told to stay small. */
import { fileURLToPath } from "node:url";
import { smallNode } from "./small-node.ts";

const program = new URL("./main.js", import.meta.url);
if (process.execve === undefined) {
  // On Windows nothing takes a process's place.
  await import(program.href);
} else {
  // Node says of execve that it is experimental, to everybody who starts a program that calls it.
  process.emitWarning = () => {};
  process.execve(process.execPath, [process.execPath, ...smallNode, fileURLToPath(program)], {
    ...process.env,
    NODE_COMPILE_CACHE:
      process.env.NODE_COMPILE_CACHE ?? fileURLToPath(new URL("../../../.parlance/compile-cache", import.meta.url)),
    // One heap for all threads: glibc would keep one for each.
    MALLOC_ARENA_MAX: process.env.MALLOC_ARENA_MAX ?? "1",
  });
}
