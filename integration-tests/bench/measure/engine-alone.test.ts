import { expect, it } from "vitest";
import * as z from "zod";
import { exactSamples } from "../../src/clips.ts";
import { jobOf, startEngineAlone } from "./engine-alone.ts";

const heard = z.object({ text: z.string() });

it("a segment is heard as the worker would have it heard, with wishes and without", async () => {
  const engine = await startEngineAlone("parlance-en");
  const samples = await exactSamples(3);
  const phrases = ["turn on the lights", "the doctor is in"];
  const [plain, chosen] = await engine.outcomes([jobOf(samples), jobOf(samples, { language: "English", phrases })]);
  await engine.close();
  expect(plain?.ok && heard.parse(plain.meta).text).toMatch(/[a-z]/);
  expect(phrases).toContain(chosen?.ok && heard.parse(chosen.meta).text);
});
