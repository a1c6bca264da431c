/**
 * Ends a process when this one is gone, however it went. A shell waits on a pipe whose other end only this process
 * holds, and the kernel closes it even after a SIGKILL. The server itself has no such switch. Without it a launcher
 * that was killed would leave a server behind on the port and the store that its successor needs. A shell costs 1 MB; a
 * Node process 40.
 */
import { spawn } from "node:child_process";
import { Socket } from "node:net";

/** Lets the server write what it holds; SIGKILL after 10 s. Nothing is lost by it: what was acknowledged is on disk. */
const script = `
read -r _
kill -TERM "$1" 2>/dev/null || exit 0
tries=0
while kill -0 "$1" 2>/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -gt 100 ] && kill -KILL "$1" 2>/dev/null
  sleep 0.1
done
`;

/** Returns how to call it off. Without a POSIX shell (Windows) there is no watchdog. */
export function endWithThisProcess(pid: number): () => void {
  if (process.platform === "win32") return () => {};
  const watchdog = spawn("/bin/sh", ["-c", script, "sh", String(pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    // A Ctrl-C reaches the whole foreground group; the watchdog must outlive it.
    detached: true,
  });
  watchdog.on("error", () => {});
  watchdog.stdin.on("error", () => {});
  watchdog.unref();
  if (watchdog.stdin instanceof Socket) watchdog.stdin.unref();
  return () => {
    watchdog.kill("SIGKILL");
  };
}
