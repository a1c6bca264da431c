/** A form with one file, made once: the client runs on the pipeline's own cores, and what it costs would count as the pipeline's. */
import { randomUUID } from "node:crypto";

export interface FormBody {
  body: Buffer;
  headers: { "content-type": string; "content-length": number };
}

/** The file stands before the fields, as in the forms of OpenAI's clients. */
export function formBody(
  file: { field: string; name: string; type: string; bytes: Uint8Array },
  fields: Readonly<Record<string, string>> = {},
): FormBody {
  const boundary = randomUUID();
  const part = (name: string) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`;
  const body = Buffer.concat([
    Buffer.from(`${part(file.field)}; filename="${file.name}"\r\nContent-Type: ${file.type}\r\n\r\n`),
    file.bytes,
    Buffer.from("\r\n"),
    ...Object.entries(fields).map(([name, value]) => Buffer.from(`${part(name)}\r\n\r\n${value}\r\n`)),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
  return {
    body,
    headers: { "content-type": `multipart/form-data; boundary=${boundary}`, "content-length": body.length },
  };
}
