/**
 * HTTP requests as no client library would write them: every path of the facade with bodies that are nearly right, multipart that
 * breaks off, lengths that lie, heads that are too long, requests in pieces, callers that leave.
 */
import { encodeWav } from "@parlance/audio";
import fc from "fast-check";
import type { RawRequest } from "./raw-http.ts";

const paths = [
  "/api/v1/files/upload",
  "/api/v1/files/x",
  "/api/v1/queue/submit",
  "/api/v1/queue/status/x",
  "/api/v1/queue/x/cancel",
  "/api/v1/transcribe",
  "/api/v1/transcribe/file",
  "/v1/audio/transcriptions",
  "/v1/audio/transcriptions/stream",
  "/v1/audio/translations",
  "/v1/audio/speech",
  "/v1/audio/voices",
  "/v1/audio/voices/x",
  `/v1/audio/voices/voice_${"0f".repeat(16)}`,
  "/v1/models",
  "/v1/models/x",
  "/v1/models/x%2Fy",
  "/api/v1/models",
  "/api/v1/models/config",
  "/api/v1/models/x/load",
  "/api/v1/gpu",
  "/health",
  "/livez",
  "/readyz",
  "/metrics",
  "/openapi.json",
  "/",
];

const bytes = (text: string) => Uint8Array.from(Buffer.from(text, "latin1"));
const tone = encodeWav(
  Int16Array.from({ length: 3_200 }, (_, index) => Math.round(6_000 * Math.sin(index / 5))),
  { sampleRate: 16_000 },
);

const path = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...paths) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...paths),
        fc.constantFrom("/../../etc/passwd", "/%2e%2e/", "/%00", "?x=%zz", "/speech.done.>", "/%E0%A4%A"),
      )
      .map(([start, end]) => start + end),
  },
  { weight: 1, arbitrary: fc.constantFrom("*", "//", "http://other/x", "/".repeat(9_000), "/\u00e9") },
);
const method = fc.oneof(
  { weight: 6, arbitrary: fc.constant("POST") },
  { weight: 3, arbitrary: fc.constant("GET") },
  { weight: 1, arbitrary: fc.constantFrom("HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW", "get") },
);

const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(
    "auto",
    "English",
    "transcribe",
    "custom_voice",
    "voice_clone",
    "voice_design",
    "slt",
    `voice_${"0f".repeat(16)}`,
    "wav",
    "../x",
    true,
    -1,
    1e308,
    "x".repeat(5_000),
  ),
);
const item = fc.dictionary(
  fc.constantFrom(
    "operation",
    "text",
    "ref_audio",
    "custom_id",
    "language",
    "voice",
    "speed",
    "return_timestamps",
    "ref_text",
    "x_vector_only_mode",
    "instructions",
    "seed",
  ),
  value,
  { maxKeys: 5 },
);
const json = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc
    .dictionary(
      fc.constantFrom(
        "label",
        "items",
        "files",
        "file_id",
        "model",
        "input",
        "voice",
        "response_format",
        "stream_format",
        "language",
        "name",
        "consent",
        "design",
        "design_text",
        "ref_audio",
        "ref_text",
        "seed",
        "__proto__",
      ),
      fc.oneof(value, fc.array(item, { maxLength: 3 })),
      { maxKeys: 6 },
    )
    .map((object) => JSON.stringify(object)),
  fc.constantFrom("", "{", "[".repeat(50_000), '{"a":'.repeat(2_000), "\ufeff{}", "nul"),
);

const part = fc
  .tuple(
    fc.constantFrom(
      'name="audio"; filename="a.wav"',
      'name="file"; filename="a"',
      'name="audio_sample"; filename="a.wav"',
      'name="name"',
      'name="consent"',
      'name="ref_text"',
      "name=audio",
      'name="language"',
      'name="response_format"',
      'name="stream"',
      'name="timestamp_granularities[]"',
      'name="chunking_strategy[type]"',
      'name="x[]"',
      "",
      'name="audio"; filename="../../a"',
    ),
    fc.constantFrom(
      "",
      "Content-Type: text/plain\r\n",
      "Content-Type: application/json\r\n",
      "Content-Type: audio/wav\r\n",
      `X: ${"y".repeat(9_000)}\r\n`,
    ),
    fc.oneof(
      fc.constant(tone),
      fc.uint8Array({ maxLength: 300 }),
      fc.constant(tone.subarray(0, 60)),
      fc.constantFrom(...["hello", "true", "en", "verbose_json", "srt", "word", "server_vad"].map(bytes)),
    ),
  )
  .map(([disposition, type, content]) =>
    Buffer.concat([
      bytes(`--b\r\nContent-Disposition: form-data; ${disposition}\r\n${type}\r\n`),
      content,
      bytes("\r\n"),
    ]),
  );
const form = fc
  .tuple(fc.array(part, { maxLength: 5 }), fc.constantFrom("--b--\r\n", "--b", "", "--c--\r\n"))
  .map(([parts, end]) => Buffer.concat([...parts, bytes(end)]));

const body = fc.oneof(
  json.map((text) => ({ type: "application/json", content: bytes(text) })),
  form.map((content) => ({ type: "multipart/form-data; boundary=b", content })),
  fc.uint8Array({ maxLength: 300 }).map((content) => ({ type: "application/octet-stream", content })),
  fc.constant({ type: "audio/wav", content: tone }),
  form.map((content) => ({ type: "multipart/form-data", content })),
);

const extraHeader = fc.constantFrom(
  "",
  "Expect: 100-continue\r\n",
  "Content-Encoding: gzip\r\n",
  "Range: bytes=0-1,5-\r\n",
  "Idempotency-Key: x\r\n",
  "Origin: http://other\r\n",
  "Host: other\r\n",
  "X-Request-Id: a\tb\r\n",
  `Cookie: ${"c".repeat(20_000)}\r\n`,
  "Bad Header: 1\r\n",
  "Upgrade: websocket\r\nConnection: Upgrade\r\n",
);

type Framing = "length" | "short" | "long" | "chunked" | "bad-chunks" | "both" | "none";
const framing = fc.oneof(
  { weight: 8, arbitrary: fc.constant<Framing>("length") },
  { weight: 3, arbitrary: fc.constantFrom<Framing>("short", "long", "chunked", "bad-chunks", "both", "none") },
);

function framed(content: Uint8Array, how: Framing): [head: string, body: Uint8Array] {
  const { length } = content;
  const chunked = Buffer.concat([bytes(`${length.toString(16)}\r\n`), content, bytes("\r\n0\r\n\r\n")]);
  switch (how) {
    case "length":
      return [`Content-Length: ${length}\r\n`, content];
    case "short":
      return [`Content-Length: ${Math.floor(length / 2)}\r\n`, content];
    case "long":
      return [`Content-Length: ${length + 1_000}\r\n`, content];
    case "chunked":
      return ["Transfer-Encoding: chunked\r\n", length === 0 ? bytes("0\r\n\r\n") : chunked];
    case "bad-chunks":
      return ["Transfer-Encoding: chunked\r\n", Buffer.concat([bytes("zz\r\n"), content])];
    case "both":
      return [`Content-Length: ${length}\r\nTransfer-Encoding: chunked\r\n`, chunked];
    case "none":
      return ["", content];
  }
}

const request = fc
  .tuple(method, path, body, extraHeader, framing, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 9 }))
  .map(([verb, target, { type, content }, extra, how, cuts, mood]): RawRequest => {
    const [lengths, framedBody] = framed(content, how);
    const head = `${verb} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: ${type}\r\n${extra}${lengths}\r\n`;
    const whole = Buffer.concat([bytes(head), framedBody]);
    const size = Math.max(1, Math.ceil(whole.length / cuts));
    const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, at) =>
      whole.subarray(at * size, (at + 1) * size),
    );
    // One in ten breaks off in the middle, one in ten leaves before the answer.
    return { pieces: mood === 0 ? pieces.slice(0, -1) : pieces, leave: mood <= 1 };
  });

/** Requests in an order that `seed` repeats. */
export function generateRequests(seed: number, count: number): RawRequest[] {
  return fc.sample(request, { seed, numRuns: count });
}
