/** An archive in parts of a size that a carrier takes, with their checksums and a script that joins them again. */
import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, readSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Bytes of `28M`, `700k`, `1G` or a plain number; powers of 1,000, as carriers count. Throws on anything else. */
export function parseSize(text: string): number {
  const [, digits, unit = ""] = /^(\d+(?:\.\d+)?)([kMG]?)$/.exec(text) ?? [];
  const factor = { "": 1, k: 1e3, M: 1e6, G: 1e9 }[unit];
  const bytes = Math.floor(Number(digits) * (factor ?? Number.NaN));
  if (!(bytes >= 1)) throw new Error(`--parts: ${text} is no size: write 28M, 700k or 1G`);
  return bytes;
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(file, { highWaterMark: 1_048_576 })) hash.update(chunk);
  return hash.digest("hex");
}

/** Writes `archive.001`, `archive.002` … beside the archive, and returns their paths. */
export function splitFile(archive: string, partBytes: number): string[] {
  const { size } = statSync(archive);
  const file = openSync(archive, "r");
  const parts: string[] = [];
  try {
    for (let from = 0; from < size; from += partBytes) {
      const part = Buffer.alloc(Math.min(partBytes, size - from));
      for (let filled = 0; filled < part.length; )
        filled += readSync(file, part, filled, part.length - filled, from + filled);
      const path = `${archive}.${String(parts.length + 1).padStart(3, "0")}`;
      writeFileSync(path, part);
      parts.push(path);
    }
  } finally {
    closeSync(file);
  }
  return parts;
}

/** Checksums as `sha256sum --check` reads them. Returns the file's path. */
export async function writeChecksums(archive: string, parts: readonly string[]): Promise<string> {
  const path = `${archive}.sha256`;
  const lines = await Promise.all(
    [archive, ...parts].map(async (file) => `${await sha256Of(file)}  ${basename(file)}`),
  );
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

/**
 * A POSIX script that checks what is there, joins the parts, checks the whole and unpacks it. It needs sh, cat, sha256sum, tar and
 * gzip, which a minimal system has. Returns the script's path.
 */
export function writeJoinScript(archive: string, parts: readonly string[], folder: string): string {
  const path = join(dirname(archive), "unpack.sh");
  writeFileSync(
    path,
    joinScript(
      basename(archive),
      parts.map((part) => basename(part)),
      folder,
    ),
    { mode: 0o755 },
  );
  return path;
}

function joinScript(archive: string, parts: readonly string[], folder: string): string {
  return `#!/bin/sh
# Joins the parts of ${archive}, checks every byte, and unpacks them into ./${folder}, or into the folder that is named.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
into=\${1:-$PWD}
sums=$here/${archive}.sha256
[ -f "$sums" ] || { echo "unpack: $sums is missing" >&2; exit 1; }
is_right() {
  wanted=$(while read -r sum name; do [ "$name" = "$1" ] && echo "$sum"; done < "$sums") || true
  got=$(sha256sum "$here/$1" | cut -d ' ' -f 1)
  [ -n "$wanted" ] && [ "$wanted" = "$got" ]
}
bad=0
if [ -f "$here/${archive}" ]; then
  is_right "${archive}" || { echo "unpack: ${archive} is damaged" >&2; exit 1; }
else
  for part in ${parts.length === 0 ? archive : parts.join(" ")}; do
    if [ ! -f "$here/$part" ]; then echo "unpack: $part is missing" >&2; bad=1
    elif ! is_right "$part"; then echo "unpack: $part is damaged" >&2; bad=1
    fi
  done
  [ "$bad" = 0 ] || exit 1
  for part in ${parts.join(" ")}; do cat "$here/$part"; done > "$here/${archive}.new"
  mv "$here/${archive}.new" "$here/${archive}"
  is_right "${archive}" || { echo "unpack: the parts do not make ${archive}" >&2; exit 1; }
fi
mkdir -p "$into"
gzip -dc "$here/${archive}" | tar -xf - -C "$into"
echo "unpack: ready: $into/${folder}/parlance start"
`;
}
