/**
 * A model from a hub into the folder of models.
 *
 * It promises that the model's folder appears whole or not at all: everything is gathered under `.downloads/`, each file
 * checked against the hub's list, and the folder with a `manifest.json` of checksums renamed into place at the end. What
 * was gathered outlives this process: the next one goes on from there. One process downloads a model at a time, others wait
 * for it and find the folder. Before the first byte the disk is asked for room.
 */
import { mkdir, readdir, rename, rm, rmdir, statfs, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { CatalogueEntry } from "@parlance/catalogue";
import { type Manifest, manifestSchema, SpeechError } from "@parlance/contracts";
import { viewListing } from "../folder-view.ts";
import { manifestOf, recognise } from "../layout-manifest.ts";
import type { LayoutRecogniser } from "../layouts/types.ts";
import { manifestName } from "../manifest-file.ts";
import { downloadFile, type RemoteFile, sizeOf } from "./download-file.ts";
import { takeFileLock } from "./file-lock.ts";
import { createHubClient, type HubClient, HubError, type HubOptions } from "./hub-client.ts";
import { type DownloadProgress, followProgress, inMegabytes } from "./progress.ts";
import { filePath, type Repository, readRepository } from "./repository.ts";
import { selectFiles, type Weights } from "./selection.ts";

export interface FetchModelOptions {
  /** What is fetched, and the name that it gets. */
  source: CatalogueEntry;
  /** Folder of models; it is made when it is not there. */
  modelRoot: string;
  /** See ResolveModelOptions. */
  rootSetting?: string | undefined;
  hub: HubOptions & { retryMs?: number };
  layouts: readonly LayoutRecogniser[];
  /** Which weights, where there are several. */
  weights: readonly Weights[];
  signal: AbortSignal;
  onProgress?: ((progress: DownloadProgress) => void) | undefined;
  log: (message: string, fields?: Record<string, unknown>) => void;
  /** Free bytes of the folder's disk. Default: as the system says. */
  freeBytes?: (folder: string) => Promise<number>;
  /** How often a downloader shows that it lives. */
  touchMs?: number;
}

const SMALL_FILE_BYTES = 16_777_216;
const SPARE_BYTES = 67_108_864;
const AT_ONCE = 4;

/** Resolves with the model's folder. Throws a SpeechError: `model_not_found`, `model_unavailable`, `storage_full`, `validation_failed`. */
export async function fetchModel(options: FetchModelOptions): Promise<string> {
  const { source, log } = options;
  const modelRoot = resolve(options.modelRoot);
  const folder = join(modelRoot, source.id);
  const gathering = join(modelRoot, ".downloads", source.id.replaceAll("/", "--"));
  const client = createHubClient(options.hub);
  try {
    const lock = await takeFileLock({
      path: `${gathering}.lock`,
      signal: options.signal,
      onWaiting: ({ pid, host }) =>
        log(`process ${pid} on ${host} downloads ${source.id}: waiting for it`, { pid, host }),
      ...(options.touchMs === undefined ? {} : { touchMs: options.touchMs }),
    });
    try {
      // The one that was waited for has finished it.
      if ((await sizeOf(join(folder, manifestName))) > 0) return folder;
      const signal = AbortSignal.any([options.signal, lock.lost]);
      const staged = await gatherFromFirst({ ...options, signal }, client, gathering);
      await putInPlace(staged, folder);
      await rm(gathering, { recursive: true, force: true });
      return folder;
    } finally {
      await lock.release();
    }
  } catch (error) {
    options.signal.throwIfAborted();
    throw explained(error, options, folder, client);
  }
}

/** From the model's repository or, where it does not do, from the other one that is known. */
async function gatherFromFirst(options: FetchModelOptions, client: HubClient, gathering: string): Promise<string> {
  const { source, log } = options;
  const { otherwise, ...first } = source;
  if (otherwise === undefined) return await gather(options, client, gathering);
  try {
    return await gather({ ...options, source: first }, client, gathering);
  } catch (error) {
    // A hub hides a private repository behind 401, and one that is not there at all.
    const absent = error instanceof HubError && [401, 403, 404].includes(error.status ?? 0);
    if (!(error instanceof Unsuitable || absent)) throw error;
    log(`${first.repository} does not do, ${otherwise} is asked: ${error.message}`, { repository: otherwise });
    return await gather(
      { ...options, source: { ...first, repository: otherwise, revision: "main" } },
      client,
      gathering,
    );
  }
}

/** Resolves with the folder that is ready to be put in place. */
async function gather(options: FetchModelOptions, client: HubClient, gathering: string): Promise<string> {
  const { source, signal, onProgress, log, hub } = options;
  const repository = await readRepository(client, source.repository, source.revision, signal);
  const staged = join(gathering, repository.commit);
  const wanted = await chooseFiles(options, client, repository);
  await mkdir(staged, { recursive: true });
  for (const name of await readdir(gathering)) {
    if (name !== repository.commit) await rm(join(gathering, name), { recursive: true });
  }
  const totalBytes = sum(wanted.files.map(({ bytes }) => bytes));
  const here = sum(await Promise.all(wanted.files.map((file) => bytesHere(staged, file))));
  await requireRoom(options, staged, totalBytes - here);
  const { host } = client.endpoint;
  const count = wanted.files.length;
  const resumed = here === 0 ? "" : `, ${inMegabytes(here)} of them are here`;
  log(
    `downloading ${source.id} from ${host}/${source.repository}: ${count} files, ${inMegabytes(totalBytes)}${resumed}`,
    {
      repository: source.repository,
      commit: repository.commit,
      totalBytes,
      bytes: here,
    },
  );
  const onBytes = followProgress({ model: source.id, totalBytes, bytes: here, onProgress, log });
  const sums = new Map<string, string>();
  const queue = [...wanted.files];
  const failed = new AbortController();
  const own = AbortSignal.any([signal, failed.signal]);
  const takeFiles = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const { path } = file;
      const sha256 = await downloadFile({
        client,
        from: filePath(source.repository, repository.commit, path),
        file,
        target: join(staged, path),
        signal: own,
        onBytes,
        onRetry: (reason, inMs) => log(`${reason}: trying ${path} again in ${inMs} ms`, { path, reason }),
        ...(hub.retryMs === undefined ? {} : { retryMs: hub.retryMs }),
      });
      sums.set(path, sha256);
    }
  };
  const workers = Array.from({ length: AT_ONCE }, () =>
    takeFiles().catch((error) => {
      failed.abort(error);
      throw error;
    }),
  );
  const ends = await Promise.allSettled(workers);
  signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  await writeFile(join(staged, manifestName), JSON.stringify(wanted.manifest(sums), null, 2));
  return staged;
}

interface Wanted {
  files: RemoteFile[];
  manifest(sums: ReadonlyMap<string, string>): Manifest;
}

async function chooseFiles(
  { source, layouts, weights, signal }: FetchModelOptions,
  client: HubClient,
  { commit, license, files }: Repository,
): Promise<Wanted> {
  const read = async (path: string) => {
    if ((files.get(path)?.bytes ?? 0) > SMALL_FILE_BYTES) throw unsuitable(source, `${path} is too large to be read`);
    return await client.text(filePath(source.repository, commit, path), { maxBytes: SMALL_FILE_BYTES, signal });
  };
  const facts = {
    name: source.id,
    version: commit,
    license,
    source: new URL(`${source.repository}/tree/${commit}`, client.endpoint).href,
  };
  if (files.has(manifestName)) {
    const parsed = manifestSchema.safeParse(JSON.parse(await read(manifestName)));
    if (!parsed.success) throw unsuitable(source, `its ${manifestName} cannot be read`);
    const named = Object.values(parsed.data.files);
    return {
      files: named.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
      manifest: () => ({ ...parsed.data, name: source.id }),
    };
  }
  const recognised = await recognise(viewListing(files.keys(), read), layouts).catch((error: unknown) => {
    if (error instanceof SpeechError && error.code === "validation_failed") throw unsuitable(source, error.message);
    throw error;
  });
  if (recognised === undefined) {
    throw unsuitable(source, `it has neither a ${manifestName} nor the ONNX graphs of a layout that is known`);
  }
  const { model, paths } = selectFiles(recognised, weights, new Set(files.keys()));
  return {
    files: paths.map((path) => files.get(path) ?? missing(source, path)),
    manifest: (sums) => {
      const known = paths.map(
        (path) => [path, { bytes: files.get(path)?.bytes ?? 0, sha256: sums.get(path) }] as const,
      );
      const manifest = manifestOf(model, facts, new Map(known));
      // What a graph refers to is checked like the graph.
      const roles = new Set(Object.values(model.files));
      for (const [path, file] of known) if (!roles.has(path)) manifest.files[`data:${path}`] = { path, ...file };
      return manifest;
    },
  };
}

async function bytesHere(staged: string, { path, bytes }: RemoteFile): Promise<number> {
  const whole = await sizeOf(join(staged, path));
  return whole === bytes ? whole : Math.min(bytes, await sizeOf(join(staged, `${path}.part`)));
}

async function requireRoom(options: FetchModelOptions, folder: string, needed: number): Promise<void> {
  const { freeBytes = freeOnDisk } = options;
  const free = await freeBytes(folder);
  if (needed === 0 || free >= needed + SPARE_BYTES) return;
  throw new SpeechError(
    "storage_full",
    `${options.source.id} needs ${inMegabytes(needed + SPARE_BYTES)} more in ${options.modelRoot}, and ${inMegabytes(free)} are free: ` +
      `make room, or set ${rootSettingOf(options)} to another disk`,
    { param: rootSettingOf(options) },
  );
}

async function freeOnDisk(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function putInPlace(staged: string, folder: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  // An empty folder may be in the way; one with files is somebody's.
  await rmdir(folder).catch(() => {});
  try {
    await rename(staged, folder);
  } catch (cause) {
    throw new SpeechError("validation_failed", `${folder} holds other files: move them away, and try again`, {
      cause,
      param: "MODEL_ID",
    });
  }
}

function missing({ id, repository }: CatalogueEntry, path: string): never {
  throw new SpeechError("model_unavailable", `${id}: ${repository} does not list ${path}`);
}

/** The repository is there, and is not a model that can be run. */
class Unsuitable extends SpeechError {}

function unsuitable({ id, repository }: CatalogueEntry, why: string): Unsuitable {
  const where = id === repository ? id : `${id} (${repository})`;
  return new Unsuitable("validation_failed", `model ${where} at the hub cannot be used: ${why}`, { param: "MODEL_ID" });
}

function rootSettingOf({ rootSetting = "ASR_MODEL_ROOT" }: FetchModelOptions): string {
  return rootSetting;
}

/** What a person can do about it. */
function explained(error: unknown, options: FetchModelOptions, folder: string, client: HubClient): unknown {
  const { source } = options;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new SpeechError("storage_full", `${source.id}: the disk of ${folder} is full`, { cause: error });
  }
  if (/^(EACCES|EPERM|EROFS|ENOTDIR)$/.test(code)) {
    const message = `${source.id} cannot be downloaded to ${folder} (${code}): set ${rootSettingOf(options)} to a folder that can be written`;
    return new SpeechError("validation_failed", message, { cause: error, param: rootSettingOf(options) });
  }
  if (!(error instanceof HubError)) return error;
  const { host } = client.endpoint;
  const { id, repository } = source;
  const by = `Or put its files and a ${manifestName} into ${folder} by hand.`;
  const because = { cause: error, param: "MODEL_ID" };
  switch (error.status) {
    case 401:
    case 403: {
      const token = client.hasToken ? "HF_TOKEN has no access to it" : "if it is private or gated, set HF_TOKEN";
      const message = `${host} refuses ${repository} (${error.status}): there is no such repository, or ${token}. ${by}`;
      return new SpeechError("model_not_found", message, because);
    }
    case 404:
      return new SpeechError(
        "model_not_found",
        `${host} has no ${repository} at ${source.revision}, or not all of its files (404). ${by}`,
        because,
      );
    default:
      return new SpeechError("model_unavailable", `${id} cannot be downloaded: ${error.message}. ${by}`, because);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
