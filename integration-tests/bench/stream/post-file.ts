/** A file posted to OpenAI's endpoint, and its answer: whole, or read as it comes. */
import { Agent, type IncomingMessage, request } from "node:http";
import { text as wholeText } from "node:stream/consumers";
import * as z from "zod";
import { readEvents } from "../load/event-stream.ts";
import { formBody } from "../load/form-body.ts";

/** Seconds from the beginning of the request. */
export interface Answer {
  /** When its last byte had left. */
  sent: number;
  /** When the answer had ended. */
  whole: number;
  text: string;
}

export interface StreamedAnswer extends Answer {
  /** When the first delta came that says something. */
  firstText: number;
  deltas: number;
}

export interface FilePoster {
  /** The answer is JSON. */
  unstreamed(): Promise<Answer>;
  /** Throws when the deltas are not the text, when there are none, and what the stream tells of a failure. */
  streamed(): Promise<StreamedAnswer>;
}

export interface FilePosterOptions {
  gatewayUrl: string;
  model: string;
  audio: { name: string; type: string; bytes: Uint8Array };
}

const answerSchema = z.object({ text: z.string() });
const eventSchema = z.union([
  z.object({ type: z.literal("transcript.text.delta"), delta: z.string() }),
  z.object({ type: z.literal("transcript.text.done"), text: z.string() }),
  z.object({ error: z.object({ message: z.string() }) }),
]);

/** The language is said: what a model of random weights takes a text's language to be is not to be part of it. */
export function createFilePoster({ gatewayUrl, model, audio }: FilePosterOptions): FilePoster {
  const file = { field: "file", ...audio };
  const fields = { model, language: "en" };
  const bodies = {
    unstreamed: formBody(file, { ...fields, response_format: "json" }),
    streamed: formBody(file, { ...fields, stream: "true" }),
  };
  const agent = new Agent({ keepAlive: true });

  async function post(way: keyof typeof bodies) {
    const { body, headers } = bodies[way];
    const began = performance.now();
    const since = () => (performance.now() - began) / 1_000;
    let sent = 0;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { method: "POST", agent, headers };
      const asked = request(`${gatewayUrl}/v1/audio/transcriptions`, options, resolve);
      asked.once("error", reject);
      asked.once("finish", () => {
        sent = since();
      });
      asked.end(body);
    });
    const expected = way === "streamed" ? "text/event-stream" : "application/json";
    const type = response.headers["content-type"] ?? "nothing";
    if (response.statusCode !== 200 || !type.startsWith(expected)) {
      throw new Error(`${way}: answered ${response.statusCode} with ${type}: ${await wholeText(response)}`);
    }
    return { response, since, sent: () => sent };
  }

  return {
    async unstreamed() {
      const { response, since, sent } = await post("unstreamed");
      const { text } = answerSchema.parse(JSON.parse(await wholeText(response)));
      return { sent: sent(), whole: since(), text };
    },
    async streamed() {
      const { response, since, sent } = await post("streamed");
      response.setEncoding("utf8");
      let [joined, deltas] = ["", 0];
      let firstText: number | undefined;
      let whole: string | undefined;
      for await (const raw of readEvents(response)) {
        const event = eventSchema.parse(raw);
        if ("error" in event) throw new Error(`the stream failed: ${event.error.message}`);
        if (event.type === "transcript.text.done") whole = event.text;
        else {
          joined += event.delta;
          deltas += 1;
          if (joined.trim() !== "") firstText ??= since();
        }
      }
      const ended = since();
      if (firstText === undefined || whole === undefined) throw new Error("the stream ended without a text");
      if (joined !== whole) throw new Error("the deltas together are not the text");
      return { sent: sent(), firstText, whole: ended, text: whole, deltas };
    },
  };
}
