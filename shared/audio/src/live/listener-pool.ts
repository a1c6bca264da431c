/**
 * Listening for a service: sessions in child processes, as many as go into one, and none while no session is open.
 *
 * A process that dies, hangs or grows rejects what it owes; whoever holds a session opens it anew from its position (`hearFrom`), and hears
 * what he heard before.
 */
import { SpeechError } from "@parlance/contracts";
import { type ListenerChild, spawnListenerChild } from "./listener-child.ts";
import type { ListenerPool, ListenerPoolOptions } from "./listening.ts";

const MAX_MEMORY_BYTES = 512 * 1_048_576;

export function createListenerPool(options: ListenerPoolOptions = {}): ListenerPool {
  const { sessions = 200, timeoutMs = 15_000, maxMemoryBytes = MAX_MEMORY_BYTES, idleMs = 5_000, program } = options;
  const children = new Set<ListenerChild>();
  const idle = new Map<ListenerChild, NodeJS.Timeout>();
  const leaving = new Set<ListenerChild>();
  let closed = false;

  function childWithRoom(): ListenerChild {
    const known = [...children].find((child) => child.alive && !leaving.has(child) && child.sessions < sessions);
    if (known !== undefined) return known;
    const child: ListenerChild = spawnListenerChild({
      ...{ timeoutMs, maxMemoryBytes, program },
      onChange: () => look(child),
    });
    children.add(child);
    return child;
  }

  function look(child: ListenerChild): void {
    if (!child.alive && !leaving.has(child)) children.delete(child);
    if (child.sessions > 0 || !children.has(child) || closed || idle.has(child)) return;
    child.hold(false);
    const timer = setTimeout(() => end(child), idleMs).unref();
    idle.set(child, timer);
  }

  function end(child: ListenerChild): void {
    idle.delete(child);
    leaving.add(child);
    void child.kill().then(() => {
      leaving.delete(child);
      children.delete(child);
    });
  }

  return {
    async open(format, from = 0) {
      if (closed) throw new SpeechError("stopping");
      const child = childWithRoom();
      clearTimeout(idle.get(child));
      idle.delete(child);
      child.hold(true);
      return await child.open(format, from);
    },
    get pids() {
      return [...children].filter((child) => child.alive).map((child) => child.pid ?? 0);
    },
    async close() {
      closed = true;
      for (const timer of idle.values()) clearTimeout(timer);
      await Promise.all([...children].map((child) => child.kill()));
    },
  };
}
