/** A text as a program without a password drops it; resolves with what came of it. */
import { randomUUID } from "node:crypto";
import { headerNames, type ItemDone, subjects } from "@parlance/contracts";
import { connect, headers as natsHeaders } from "nats";

/** @param fields headers of the drop, by their names */
export async function dropText(natsUrl: string, text: string, fields: Record<string, string> = {}): Promise<ItemDone> {
  const nats = await connect({ servers: natsUrl });
  try {
    const batchId = randomUUID();
    const done = nats.subscribe(subjects.batchDone(batchId), { max: 1 });
    await nats.flush();
    const headers = natsHeaders();
    for (const [name, value] of Object.entries({ [headerNames.contentType]: "text/plain", ...fields })) {
      headers.set(name, value);
    }
    nats.publish(subjects.intake("test", batchId), text, { headers });
    for await (const message of done) return message.json<ItemDone>();
    throw new Error("no event came");
  } finally {
    await nats.close();
  }
}
