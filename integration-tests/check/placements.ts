/** Which of a graph's nodes ONNX Runtime gave to which provider, as its log says it when it is asked for everything. */

export interface Placements {
  /** Nodes by provider, without the suffix that all of their names have. */
  nodes: Record<string, number>;
  /** Operators that the CPU runs though another provider was wanted, with how many nodes. */
  on_cpu: Record<string, number>;
}

const heading = /(?:All nodes|Node\(s\)) placed on \[(\w+?)(?:ExecutionProvider)?\]\. Number of nodes: (\d+)/;
const nodeLine = /\]\s+(\w+) \(([^)]*)\)/;

export function readPlacements(log: string): Placements {
  const nodes: Record<string, number> = {};
  const onCpu: Record<string, number> = {};
  let provider: string | undefined;
  for (const line of log.split("\n")) {
    const [, name, number] = heading.exec(line) ?? [];
    if (name !== undefined) {
      provider = name;
      nodes[name] = (nodes[name] ?? 0) + Number(number);
      continue;
    }
    const [, kind] = nodeLine.exec(line) ?? [];
    if (kind === undefined) provider = undefined;
    else if (provider === "CPU") onCpu[kind] = (onCpu[kind] ?? 0) + 1;
  }
  // Where there is but one provider nothing has been kept from another.
  return { nodes, on_cpu: Object.keys(nodes).length > 1 ? onCpu : {} };
}
