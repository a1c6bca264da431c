/** Audio that the demo, the chaos suite and the benchmarks speak to the pipeline. */
import { readFile } from "node:fs/promises";
import { SAMPLE_RATE } from "@parlance/contracts";

export interface Clip {
  name: string;
  type: string;
  bytes: Uint8Array;
  /** What is said in it. */
  text: string;
}

const folder = new URL("../demo/audio/", import.meta.url);

/** The committed sentences, one audio format each. */
export async function demoClips(): Promise<Clip[]> {
  const sentences = JSON.parse(await readFile(new URL("sentences.json", folder), "utf8")) as {
    file: string;
    type: string;
    text: string;
  }[];
  return Promise.all(
    sentences.map(async ({ file, type, text }) => ({ name: file, type, text, bytes: await readFile(new URL(file, folder)) })),
  );
}
