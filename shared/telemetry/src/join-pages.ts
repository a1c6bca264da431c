/** The Prometheus pages of several processes as one: each family once, each sample with labels that tell whose it is. Pure. */

export interface MetricsPage {
  /** Put before the page's own, which must not have them already. */
  labels: Readonly<Record<string, string>>;
  /** Prometheus' text format, version 0.0.4. */
  text: string;
}

interface Family {
  /** Its HELP and TYPE. */
  head: string[];
  samples: string[];
}

export function joinPages(pages: readonly MetricsPage[]): string {
  const families = new Map<string, Family>();
  for (const { labels, text } of pages) {
    const added = Object.entries(labels)
      .map(([name, value]) => `${name}="${escaped(value)}"`)
      .join(",");
    // What a page says of a family the first page to have it has said already: they are of one program.
    let family: Family = { head: [], samples: [] };
    const known = new Set(families.keys());
    for (const line of text.split("\n")) {
      const name = /^# (?:HELP|TYPE) (\S+)/.exec(line)?.[1];
      if (name !== undefined) {
        family = families.get(name) ?? { head: [], samples: [] };
        families.set(name, family);
        if (!known.has(name)) family.head.push(line);
      } else if (line !== "" && !line.startsWith("#")) {
        family.samples.push(label(line, added));
      }
    }
  }
  const lines = [...families.values()].flatMap(({ head, samples }) => [...head, ...samples]);
  return lines.map((line) => `${line}\n`).join("");
}

/** `name{…} value` or `name value`: a name holds neither a brace nor a blank. */
function label(sample: string, added: string): string {
  if (added === "") return sample;
  const end = sample.search(/[{ ]/);
  const [name, rest] = [sample.slice(0, end), sample.slice(end)];
  if (!rest.startsWith("{")) return `${name}{${added}}${rest}`;
  return `${name}{${added}${rest.startsWith("{}") ? "" : ","}${rest.slice(1)}`;
}

function escaped(value: string): string {
  return value.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n");
}
