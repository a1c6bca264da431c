/** What a hub says of a repository: its commit, and its files with their sizes and checksums. */
import { SpeechError } from "@parlance/contracts";
import * as z from "zod";
import type { RemoteFile } from "./download-file.ts";
import type { HubClient } from "./hub-client.ts";

const MOST_LISTING_BYTES = 33_554_432;

const safePath = /^(?![/.])(?!.*\.\.)[\w./-]+$/;
const hex = (length: number) => z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`));

/** The answer to `/api/models/<repository>/revision/<revision>?blobs=true`. */
const repositorySchema = z.object({
  sha: z.string().regex(/^\w+$/),
  cardData: z.object({ license: z.unknown() }).nullish(),
  siblings: z.array(
    z.object({
      rfilename: z.string(),
      size: z.number().int().min(0).nullish(),
      blobId: hex(40).nullish(),
      lfs: z.object({ sha256: hex(64), size: z.number().int().min(0) }).nullish(),
    }),
  ),
});

export interface Repository {
  commit: string;
  license: string;
  files: Map<string, RemoteFile>;
}

/** Throws a HubError, and a SpeechError when the answer makes no sense. Files with names that no model needs are left out. */
export async function readRepository(
  client: HubClient,
  repository: string,
  revision: string,
  signal: AbortSignal,
): Promise<Repository> {
  const path = `api/models/${repository}/revision/${encodeURIComponent(revision)}?blobs=true`;
  const text = await client.text(path, { maxBytes: MOST_LISTING_BYTES, signal });
  const parsed = repositorySchema.safeParse(parse(text));
  if (!parsed.success) {
    const message = `${client.endpoint.host} answers the listing of ${repository} with something else`;
    throw new SpeechError("model_unavailable", message, { cause: parsed.error });
  }
  const { sha, siblings, cardData } = parsed.data;
  const files = new Map<string, RemoteFile>();
  for (const { rfilename: name, size, blobId, lfs } of siblings) {
    const bytes = lfs?.size ?? size;
    if (!safePath.test(name) || bytes === undefined || bytes === null) continue;
    files.set(name, { path: name, bytes, sha256: lfs?.sha256, gitId: lfs ? undefined : (blobId ?? undefined) });
  }
  const license = typeof cardData?.license === "string" ? cardData.license : "as its source says";
  return { commit: sha, license, files };
}

export function filePath(repository: string, commit: string, path: string): string {
  return `${repository}/resolve/${commit}/${path}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
