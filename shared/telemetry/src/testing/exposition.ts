/**
 * A strict reader of Prometheus' text format 0.0.4, for tests: it throws for what Prometheus would refuse or take for
 * something else. https://prometheus.io/docs/instrumenting/exposition_formats/
 */

export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
}

const types = ["counter", "gauge", "histogram", "summary", "untyped"];
const namePattern = "[a-zA-Z_:][a-zA-Z0-9_:]*";
const labelPattern = '([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\\\\n]|\\\\[\\\\"n])*)"';
const samplePattern = new RegExp(`^(${namePattern})(?:\\{((?:${labelPattern}(?:,(?=[a-zA-Z_]))?)*)\\})? (\\S+)$`);
const headPattern = new RegExp(`^# (HELP|TYPE) (${namePattern}) (.+)$`);

/** Every sample, in order. Throws with the line that is at fault. */
export function readExposition(page: string): Sample[] {
  const refuse = (line: string, why: string) => new Error(`${why}: ${line}`);
  if (page !== "" && !page.endsWith("\n")) throw new Error("the last line has no end");
  const samples: Sample[] = [];
  const seen = new Set<string>();
  const typed = new Map<string, string>();
  const helped = new Set<string>();
  let family = "";
  for (const line of page.split("\n")) {
    if (line === "") continue;
    const [, kind, subject = "", rest = ""] = headPattern.exec(line) ?? [];
    if (kind === "HELP") {
      if (helped.has(subject)) throw refuse(line, "a second HELP of one family");
      helped.add(subject);
      family = subject;
    } else if (kind === "TYPE") {
      if (typed.has(subject)) throw refuse(line, "a second TYPE of one family");
      if (!types.includes(rest)) throw refuse(line, "no type");
      typed.set(subject, rest);
      family = subject;
    } else {
      const sample = readSample(line) ?? refused(refuse(line, "no sample"));
      if (!isOf(sample.name, family, typed.get(family))) throw refuse(line, `not of the family ${family}`);
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
      if (seen.has(key)) throw refuse(line, "a second sample of one series");
      seen.add(key);
      samples.push(sample);
    }
  }
  checkHistograms(samples, typed);
  return samples;
}

function refused(error: Error): never {
  throw error;
}

function readSample(line: string): Sample | undefined {
  const found = samplePattern.exec(line);
  if (found === null) return undefined;
  const [, name = "", labels = ""] = found;
  const text = found.at(-1) ?? "";
  const value = text === "+Inf" ? Number.POSITIVE_INFINITY : text === "-Inf" ? Number.NEGATIVE_INFINITY : Number(text);
  if (Number.isNaN(value) && text !== "NaN") return undefined;
  const pairs = Array.from(labels.matchAll(new RegExp(labelPattern, "g")), ([, label = "", value = ""]) => [
    label,
    value.replace(/\\(.)/g, (_, sign: string) => (sign === "n" ? "\n" : sign)),
  ]);
  if (new Set(pairs.map(([label]) => label)).size !== pairs.length) return undefined;
  return { name, labels: Object.fromEntries(pairs), value };
}

function isOf(name: string, family: string, type: string | undefined): boolean {
  if (type === "histogram") return [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(name);
  if (type === "summary") return [family, `${family}_sum`, `${family}_count`].includes(name);
  return type !== undefined && name === family;
}

/** The buckets of each series grow, and the last of them counts all. */
function checkHistograms(samples: readonly Sample[], typed: ReadonlyMap<string, string>): void {
  for (const [family, type] of typed) {
    if (type !== "histogram") continue;
    const series = new Map<string, Sample[]>();
    for (const sample of samples.filter(({ name }) => name === `${family}_bucket`)) {
      const { le: _, ...labels } = sample.labels;
      const key = JSON.stringify(Object.entries(labels).sort());
      series.set(key, [...(series.get(key) ?? []), sample]);
    }
    for (const [key, buckets] of series) {
      const count = samples.find(
        ({ name, labels }) => name === `${family}_count` && JSON.stringify(Object.entries(labels).sort()) === key,
      );
      const values = buckets.map(({ value }) => value);
      const grows = values.every((value, at) => at === 0 || value >= (values[at - 1] ?? 0));
      if (!grows || buckets.at(-1)?.labels.le !== "+Inf" || count?.value !== values.at(-1)) {
        throw new Error(`the buckets of ${family} do not add up: ${key}`);
      }
    }
  }
}
