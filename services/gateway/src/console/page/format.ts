/** Numbers as people read them. Pure. */

/** `40 ms`, `0.4 s`, `12 s`, `3 min 05 s`, `2 h 10 min`. */
export function duration(seconds: number): string {
  if (seconds < 0.0995) return `${Math.round(seconds * 1_000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** `1:05.2` of a moment in a recording. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds / 60);
  return `${whole}:${(seconds - whole * 60).toFixed(1).padStart(4, "0")}`;
}

/** Since a moment, by this machine's clock, which may be behind the gateway's. */
export function age(since: string, now: number = Date.now()): string {
  return duration(Math.max(0, (now - Date.parse(since)) / 1_000));
}

export function bytes(count: number): string {
  if (count < 1_000) return `${count} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = count / 1_000;
  while (value >= 1_000 && units.length > 1) {
    value /= 1_000;
    units.shift();
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${units[0] ?? ""}`;
}

/** In the reader's own way: of today the time alone. `locale`: the browser's by default. */
export function moment(of: string, now: Date = new Date(), locale?: string): string {
  const at = new Date(of);
  return at.toDateString() === now.toDateString()
    ? at.toLocaleTimeString(locale)
    : at.toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" });
}

// Made once: `toLocaleString` looks for the reader's way anew for every number.
const counts = new Intl.NumberFormat();

/** `10,000` in the reader's own way. */
export function grouped(count: number): string {
  return counts.format(count);
}

/** Enough of an id to tell it from its neighbours: UUIDs of one hour may begin alike. */
export function shortId(id: string): string {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id) ? id.slice(-8) : id;
}

export function plural(count: number, one: string, many: string = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

export function times(count: number): string {
  return count === 1 ? "once" : `${grouped(count)} times`;
}

const languages = new Intl.DisplayNames("en", { type: "language" });

/** `English` of `en`: some models tell a language by its code. */
export function languageName(told: string): string {
  return /^[a-z]{2,3}$/i.test(told) ? (languages.of(told) ?? told) : told;
}

export function deviceName(device: string): string {
  return device === "cpu" ? "the CPU" : device;
}
