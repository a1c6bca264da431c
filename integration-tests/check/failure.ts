/** What a failed step can tell: its error in one line, the graph's node where the error names one, and the last lines of the log. */
import { stripVTControlCharacters } from "node:util";

export interface Failure {
  error: string;
  /** `<operator> <name>` of the node that failed. */
  node?: string;
  /** The end of what the process wrote, without its results. */
  log?: string[];
}

const nodeSentences = [
  /running (?<kind>\S+) node\. Name:'(?<name>[^']*)'/,
  /implementation for (?<kind>\S+) node with name '(?<name>[^']*)'/,
  /[Nn]ode[ :(]+(?<name>\S+?)\)?[ ,]+(?:of type |Op ?\()(?<kind>\w+)/,
];

/** ONNX Runtime's sentences about a node, as `MatMul MatMul_12`. */
export function nodeOf(text: string): string | undefined {
  for (const sentence of nodeSentences) {
    const { kind, name } = sentence.exec(text)?.groups ?? {};
    if (kind !== undefined) return `${kind} ${name}`.trim();
  }
  return undefined;
}

const MOST_LINES = 30;
/** Of a line: the reason stands at the end of ONNX Runtime's. */
const MOST_LETTERS = 1_200;
const stackLine = /^\s+at |^\s*\^+\s*$|^Node\.js v|^\s*$/;

export function lastLines(text: string, most = MOST_LINES): string[] {
  return stripVTControlCharacters(text)
    .split("\n")
    .filter((line) => !stackLine.test(line))
    .slice(-most)
    .map((line) => line.trimEnd().slice(0, MOST_LETTERS));
}

/** @param how what its process ended with, as `code 1` or `SIGABRT` */
export function failureOf(written: string, how: string): Failure {
  const lines = lastLines(written);
  // An uncaught error's own line, before what belongs to it.
  const said =
    lines.findLast((line) => /^\w*Error: /.test(line)) ??
    lines.findLast((line) => /error|cannot|could not|failed/i.test(line)) ??
    lines.at(-1);
  const node = nodeOf(written);
  return {
    error: said === undefined ? `its process ended with ${how}` : `${said} (its process ended with ${how})`,
    ...(node && { node }),
    ...(lines.length > 0 && { log: lines }),
  };
}
