/** Uploads the same bytes again and again. */
import { Agent, request } from "node:http";
import { json } from "node:stream/consumers";
import * as z from "zod";
import { formBody } from "./form-body.ts";

const uploadedSchema = z.object({ file_id: z.string() });

/** Of a WAV. Answers the id of each new file. */
export function createUploader(gatewayUrl: string, wav: Uint8Array): () => Promise<string> {
  const { body, headers } = formBody({ field: "file", name: "recording.wav", type: "audio/wav", bytes: wav });
  const agent = new Agent({ keepAlive: true });
  return () =>
    new Promise((resolve, reject) => {
      const sent = request(`${gatewayUrl}/api/v1/files/upload`, { method: "POST", agent, headers }, (response) => {
        json(response).then((answer) => {
          const uploaded = uploadedSchema.safeParse(answer);
          if (uploaded.success) resolve(uploaded.data.file_id);
          else reject(new Error(`an upload was answered ${response.statusCode}`));
        }, reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
}
