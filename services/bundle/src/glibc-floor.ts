/** Which C library a program wants: the newest version that its symbols name, as the linker wrote it into the file. */

const VERSION = /GLIBC_(\d+)\.(\d+)/g;

/** As `2.34`; undefined when no version is named. */
export function glibcFloor(program: Uint8Array): string | undefined {
  const text = Buffer.from(program.buffer, program.byteOffset, program.byteLength).toString("latin1");
  let floor: readonly [number, number] | undefined;
  for (const [, major, minor] of text.matchAll(VERSION)) {
    const version = [Number(major), Number(minor)] as const;
    if (floor === undefined || isNewer(version, floor)) floor = version;
  }
  return floor?.join(".");
}

/** The newest of several floors. */
export function highestFloor(floors: readonly (string | undefined)[]): string | undefined {
  return floors
    .filter((floor) => floor !== undefined)
    .reduce<string | undefined>(
      (high, floor) => (high === undefined || isNewer(parse(floor), parse(high)) ? floor : high),
      undefined,
    );
}

function parse(version: string): readonly [number, number] {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return [major, minor];
}

function isNewer(
  [major, minor]: readonly [number, number],
  [otherMajor, otherMinor]: readonly [number, number],
): boolean {
  return major > otherMajor || (major === otherMajor && minor > otherMinor);
}
