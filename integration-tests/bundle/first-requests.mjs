/** Run by the bundle's own Node on the empty machine: waits for the pipeline, then a first transcript and a first sentence. */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const began = performance.now();
const gateway = "http://127.0.0.1:8100";
const LIMIT_MS = 120_000;

for (;;) {
  const ready = await fetch(`${gateway}/readyz`).catch(() => undefined);
  if (ready?.ok) break;
  if (performance.now() - began > LIMIT_MS) throw new Error("it is not ready within two minutes");
  await pause(50);
}
const ready_s = Math.round(performance.now() - began) / 1_000;

const form = new FormData();
form.append("audio", new Blob([readFileSync(process.argv[2])]), "lights.wav");
const transcript = await fetch(`${gateway}/api/v1/transcribe/file`, { method: "POST", body: form });
if (!transcript.ok) throw new Error(`no transcript: ${await transcript.text()}`);
const { text } = await transcript.json();

const speech = await fetch(`${gateway}/v1/audio/speech`, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({ model: "parlance-voice", voice: "slt", input: "Good morning." }),
});
if (!speech.ok) throw new Error(`no speech: ${await speech.text()}`);
const sound = await speech.arrayBuffer();
console.log(JSON.stringify({ ready_s, transcript: text, speech_bytes: sound.byteLength }));
