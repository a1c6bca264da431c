/** OpenAI's own clients, as they come from npm, against the whole pipeline with the models that ship: one pipeline for all. */
import { thorough } from "@parlance/contracts/testing";
import { describe } from "vitest";
import { formats } from "./formats.ts";
import { pythonClient } from "./python-client.ts";
import { realtime } from "./realtime.ts";
import { realtimeRecorded } from "./realtime-recorded.ts";
import { refusals } from "./refusals.ts";
import { packages, useRoom } from "./room.ts";
import { speech } from "./speech.ts";
import { spokenSound } from "./spoken-sound.ts";
import { streams } from "./streams.ts";
import { uploads } from "./uploads.ts";

const room = useRoom();

describe.each(packages)("%s", (name, major) => {
  uploads(name, major, room);
  streams(name, room);
  refusals(name, room);
  realtime(name, room);
  // What an answer looks like is the same for both.
  if (name !== "openai" && !thorough) return;
  formats(name, room);
  speech(name, room);
});
realtimeRecorded(room);
spokenSound("openai", room);
pythonClient(room);
