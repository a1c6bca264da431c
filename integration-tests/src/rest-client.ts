/** A caller of the REST facade that does not give up while a service is away: what is accepted is what it was told. */
import { setTimeout as pause } from "node:timers/promises";
import type { BatchStatus, SpeechFormat, SubmitResponse } from "@parlance/contracts";

export type QueueItem =
  | {
      operation: "transcribe";
      ref_audio: string;
      custom_id: string;
      language?: string;
      return_timestamps?: boolean;
      text?: string;
    }
  | SpokenItem;

export interface SpokenItem {
  operation: SpokenOperation;
  text: string;
  custom_id: string;
  response_format?: SpeechFormat;
  voice?: string;
  instructions?: string;
  ref_audio?: string;
  x_vector_only_mode?: boolean;
}
export type SpokenOperation = "custom_voice" | "voice_design" | "voice_clone";

export interface RestClient {
  upload(content: Uint8Array, filename: string, type: string): Promise<string>;
  submit(label: string, items: QueueItem[], idempotencyKey: string): Promise<SubmitResponse>;
  status(batchId: string): Promise<BatchStatus>;
  cancel(batchId: string): Promise<void>;
  /** The bytes at a path, such as an item's url. */
  bytes(path: string): Promise<Uint8Array>;
  json<T>(path: string): Promise<T>;
}

/** `timeoutMs` is how long a call is tried again while the gateway or NATS is away, or the queue full. */
export function createRestClient(baseUrl: () => string, timeoutMs = 60_000): RestClient {
  async function call(path: string, init: () => RequestInit): Promise<unknown> {
    return JSON.parse(new TextDecoder().decode(await fetchBytes(path, init)));
  }

  async function fetchBytes(path: string, init: () => RequestInit): Promise<Uint8Array> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      let problem: string;
      try {
        const response = await fetch(`${baseUrl()}${path}`, { ...init(), signal: AbortSignal.timeout(30_000) });
        const body = new Uint8Array(await response.arrayBuffer());
        if (response.ok) return body;
        problem = `${response.status} ${new TextDecoder().decode(body)}`;
        if (response.status !== 429 && response.status < 500) throw new Error(`${path}: ${problem}`);
      } catch (error) {
        if (error instanceof Error && error.message.startsWith(path)) throw error;
        problem = String(error);
      }
      if (Date.now() > deadline) throw new Error(`${path}: still ${problem} after ${timeoutMs} ms`);
      await pause(200);
    }
  }

  return {
    async upload(content, filename, type) {
      const answer = await call("/api/v1/files/upload", () => {
        const form = new FormData();
        form.append("file", new Blob([Buffer.from(content)], { type }), filename);
        return { method: "POST", body: form };
      });
      return (answer as { file_id: string }).file_id;
    },
    async submit(label, items, idempotencyKey) {
      return (await call("/api/v1/queue/submit", () => ({
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": idempotencyKey },
        body: JSON.stringify({ label, items }),
      }))) as SubmitResponse;
    },
    status: async (batchId) => (await call(`/api/v1/queue/status/${batchId}`, () => ({}))) as BatchStatus,
    async cancel(batchId) {
      await call(`/api/v1/queue/${batchId}/cancel`, () => ({ method: "POST" }));
    },
    bytes: (path) => fetchBytes(path, () => ({})),
    json: async <T>(path: string) => (await call(path, () => ({}))) as T,
  };
}
