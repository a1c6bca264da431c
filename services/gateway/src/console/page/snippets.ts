/** How a program does what was just done here. */
import { apiKey } from "./api.ts";
import { h } from "./dom.ts";
import { copyButton } from "./exports.ts";

export function snippets(lines: Readonly<Record<string, string>>): HTMLElement {
  const blocks = Object.entries(lines).map(([name, code]) =>
    h(
      "div",
      {},
      h(
        "div",
        { class: "row spread" },
        h("h2", {}, name),
        copyButton("Copy", () => code),
      ),
      h("pre", { tabindex: 0 }, code),
    ),
  );
  return h("details", {}, h("summary", {}, "The same by a program"), h("div", { class: "stack" }, ...blocks));
}

export function transcribeSnippets(file: string, language: string): Record<string, string> {
  const fields = language === "auto" ? "" : ` -F language=${quoted(language)}`;
  return {
    curl: `curl ${location.origin}/v1/audio/transcriptions${keyHeader()} -F file=@${quoted(file)} -F response_format=verbose_json${fields}`,
    "OpenAI's client": [
      ...client(),
      'import { createReadStream } from "node:fs";',
      `const { text } = await openai.audio.transcriptions.create({ model: "gpt-4o-transcribe", file: createReadStream(${JSON.stringify(file)}) });`,
    ].join("\n"),
  };
}

export function liveSnippets(): Record<string, string> {
  const key = apiKey() === "" ? "" : ', ["token", process.env.PARLANCE_KEY]';
  return {
    JavaScript: [
      `const socket = new WebSocket("${location.origin.replace(/^http/, "ws")}/ws/transcribe?timestamps=true"${key});`,
      "socket.onmessage = ({ data }) => console.log(data);",
      '// 16-bit samples at 16 kHz: socket.send(samples); at the end: socket.send(\'{"type":"CloseStream"}\');',
    ].join("\n"),
  };
}

export function speakSnippets(body: { input: string; voice: string; speed: number }): Record<string, string> {
  const json = JSON.stringify({ ...body, response_format: "wav" });
  return {
    curl: `curl ${location.origin}/v1/audio/speech${keyHeader()} -H "content-type: application/json" -o speech.wav -d ${quoted(json)}`,
    "OpenAI's client": [
      ...client(),
      `const sound = await openai.audio.speech.create(${JSON.stringify({ model: "tts-1", ...body, response_format: "wav" })});`,
    ].join("\n"),
  };
}

/** Never the key itself: such lines are pasted elsewhere. */
function keyHeader(): string {
  return apiKey() === "" ? "" : ' -H "Authorization: Bearer $PARLANCE_KEY"';
}

function client(): string[] {
  const key = apiKey() === "" ? '"none"' : "process.env.PARLANCE_KEY";
  return [
    'import OpenAI from "openai";',
    `const openai = new OpenAI({ baseURL: "${location.origin}/v1", apiKey: ${key} });`,
  ];
}

/** For a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
