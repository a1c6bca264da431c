/** What a person at the terminal reads: one short line per log line, or the JSON as it is when nobody looks. */

const levels: Record<number, string> = { 10: "trace", 20: "debug", 30: "", 40: "warning", 50: "error", 60: "fatal" };
const plumbing = new Set(["level", "time", "pid", "service", "name", "msg", "hostname"]);

/** Turns a service's JSON log line into `09:41:07 gateway  listening url=…`; anything else is passed with its name. */
export function readableLine(service: string, line: string): string {
  const entry = parse(line);
  if (entry === undefined) return line.startsWith(`${service}: `) ? line : `${service}: ${line}`;
  const time = typeof entry.time === "string" ? entry.time.slice(11, 19) : "";
  const level = levels[Number(entry.level)] ?? "";
  const fields = Object.entries(entry)
    .filter(([key]) => !plumbing.has(key))
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return [time, service.padEnd(17), level === "" ? "" : `${level}:`, entry.msg, ...fields]
    .filter((part) => part !== "")
    .join(" ");
}

/** Which of several services wrote a line of their process: its log line says, or the name before a start error. */
export function writerOf(line: string, names: readonly string[]): string | undefined {
  const name = parse(line)?.name ?? /^([a-z0-9-]+): /.exec(line)?.[1];
  return names.find((each) => each === name);
}

function parse(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
