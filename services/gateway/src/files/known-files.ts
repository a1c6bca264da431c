/** Whether the files that a request names are there: told of all of them before any of its work begins, and by the field. */
import { SpeechError, uploadedAt } from "@parlance/contracts";
import type { GatewayContext } from "../gateway-context.ts";

export interface NamedFile {
  fileId: string;
  /** The field that names it. */
  param: string;
}

/** A submission names up to a thousand files. */
const LOOKED_UP_AT_ONCE = 32;

/** Throws `file_expired` or `file_not_found` for the first of the files that cannot be counted on. */
export async function requireFiles(files: readonly NamedFile[], gateway: GatewayContext): Promise<void> {
  const named = [...new Map(files.toReversed().map((file) => [file.fileId, file])).values()].reverse();
  // What an id alone tells costs nothing.
  for (const file of named) refuseExpired(file, uploadedAt(file.fileId), gateway);
  for (let from = 0; from < named.length; from += LOOKED_UP_AT_ONCE) {
    const some = named.slice(from, from + LOOKED_UP_AT_ONCE);
    const infos = await Promise.all(some.map(({ fileId }) => gateway.files.info(fileId)));
    for (const [index, file] of some.entries()) {
      const info = infos[index];
      if (info === undefined) {
        throw new SpeechError("file_not_found", `${file.param}: no file has the id ${file.fileId}`, file);
      }
      refuseExpired(file, info.createdAt, gateway);
    }
  }
}

function refuseExpired({ param }: NamedFile, createdAt: number | undefined, { settings, now }: GatewayContext): void {
  if (createdAt === undefined || createdAt + settings.FILE_TTL * 1_000 > now()) return;
  throw new SpeechError("file_expired", `${param}: the file has expired: files are kept for ${settings.FILE_TTL} s`, {
    param,
  });
}
