/** This gateway's REST: the key where there is one, and errors in the gateway's own words. */
import type {
  BatchList,
  BatchStatus,
  CancelResponse,
  DeadLetters,
  GpuStatus,
  Lanes,
  ModelChange,
  ModelConfig,
  Models,
  ReplayResponse,
  Transcript,
  VoiceAnswer,
} from "@parlance/contracts";

const KEY = "parlance-key";

export interface Voice extends Partial<VoiceAnswer> {
  id?: string;
  name?: string;
  default: boolean;
  model?: string;
}

/** What each path answers with. */
export interface Answers {
  "/api/v1/gpu": GpuStatus;
  "/api/v1/models": Models;
  "/api/v1/models/config": { workers: ModelConfig[] };
  "/api/v1/queue/lanes": Lanes;
  "/v1/audio/voices": { voices: Voice[] };
  "/v1/models": { data: { id: string; family: "asr" | "tts"; languages?: string[] }[] };
  [path: `/api/v1/queue/batches?${string}`]: BatchList;
  [path: `/api/v1/queue/dead-letters?${string}`]: DeadLetters;
  [path: `/api/v1/queue/status/${string}`]: BatchStatus;
  [path: `/api/v1/files/${string}`]: Transcript;
}

export interface Changes {
  [path: `/api/v1/queue/${string}/cancel`]: CancelResponse;
  [path: `/api/v1/queue/${string}/replay`]: ReplayResponse;
  [path: `/api/v1/models/${string}`]: ModelChange;
}

export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

let askForKey: (wrong: boolean) => Promise<void> = () => Promise.reject(new Error("This gateway asks for a key."));

/** What to do when a key is wanted; it resolves when there is one. */
export function onKeyWanted(ask: typeof askForKey): void {
  askForKey = ask;
}

export function apiKey(): string {
  return sessionStorage.getItem(KEY) ?? "";
}

/** Kept as long as this tab is open, and nowhere else. */
export function keepApiKey(key: string): void {
  if (key === "") sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, key);
}

export async function call(path: string, init: RequestInit = {}): Promise<Response> {
  for (;;) {
    const key = apiKey();
    const headers = new Headers(init.headers);
    if (key !== "") headers.set("X-API-Key", key);
    const response = await fetch(path, { ...init, headers }).catch((error: unknown) => {
      if (init.signal?.aborted) throw error;
      throw new ApiError(0, "unreachable", "The gateway does not answer. Is it still running?");
    });
    if (response.status === 401) {
      // Another one may have been given since this was asked.
      if (apiKey() === key) await askForKey(key !== "");
      continue;
    }
    if (!response.ok) throw await errorOf(response);
    return response;
  }
}

export async function get<Path extends keyof Answers>(path: Path, signal?: AbortSignal): Promise<Answers[Path]> {
  const response = await call(path, signal === undefined ? {} : { signal });
  return await response.json();
}

export async function post<Path extends keyof Changes>(path: Path): Promise<Changes[Path]> {
  return await (await call(path, { method: "POST" })).json();
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text);
    return new ApiError(response.status, String(error.code), String(error.message));
  } catch {
    return new ApiError(response.status, "unknown", `The gateway answered ${response.status}.`);
  }
}

/** A socket of this gateway. Browsers set no headers there: the key is a subprotocol, or stands in the query where it cannot be one. */
export function openSocket(path: string, query: URLSearchParams): WebSocket {
  const key = apiKey();
  const fits = /^[\w!#$%&'*+.^`|~-]+$/.test(key);
  if (key !== "" && !fits) query.set("token", key);
  const url = new URL(`${path}?${query}`, location.href.replace(/^http/, "ws"));
  return key !== "" && fits ? new WebSocket(url, ["token", key]) : new WebSocket(url);
}
