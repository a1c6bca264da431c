/**
 * The listening process: frames of many sessions from standard input, what is heard of them on standard output.
 *
 * Here foreign bytes are decoded and heard. It holds no credential, may not write, and is killed rather than trusted: when it answers nothing for too
 * long, when it has grown too large, when the pool closes (its input then ends).
 */
import { SpeechError, toSpeechError } from "@parlance/contracts";
import { type Frame, readFrames, writeFrame } from "../process/pipe-frames.ts";
import { type Address, messageTypes, openingSchema, packHeard, unpackHeader } from "./listener-messages.ts";
import { createListeningRoom, type ListeningRoom } from "./listening-room.ts";
import { createVoiceActivity } from "./voice-activity.ts";

// Codecs print to the console, and standard output is the pipe.
for (const method of ["log", "info", "warn", "error", "debug"] as const) console[method] = () => {};
process.stdout.on("error", () => process.exit(0));

const maxMemoryBytes = Number(process.argv[2]);
/** Messages after which its size is looked at. */
const LOOK_EVERY = 64;
const GROWN = 70;
const FAULT = 71;

const toJson = (value: unknown) => Buffer.from(JSON.stringify(value));

async function main(): Promise<void> {
  let room: ListeningRoom;
  try {
    const activity = await createVoiceActivity();
    room = createListeningRoom(activity, answer, () => process.exit(FAULT));
  } catch (error) {
    await writeFrame(process.stdout, messageTypes.unable, toJson({ code: "internal", message: String(error) }));
    return;
  }
  await writeFrame(process.stdout, messageTypes.ready);
  let messages = 0;
  for await (const frame of readFrames(process.stdin)) {
    await room.room();
    await hearMessage(room, frame);
    messages += 1;
    if (messages % LOOK_EVERY === 0 && process.memoryUsage.rss() > maxMemoryBytes) process.exit(GROWN);
  }
}

async function answer(address: Address, heard: { samples: Int16Array; speech: Float32Array }): Promise<void> {
  await writeFrame(process.stdout, messageTypes.heard, ...packHeard(address, heard));
}

async function hearMessage(room: ListeningRoom, { type, payload }: Frame): Promise<void> {
  if (type === messageTypes.open) {
    await room.open(openingSchema.parse(JSON.parse(Buffer.from(payload).toString())));
    return;
  }
  const { session, message, samples, body } = unpackHeader(payload);
  const address = { session, message };
  try {
    if (type === messageTypes.push) room.push(address, body);
    if (type === messageTypes.silence) room.silence(address, samples);
    if (type === messageTypes.end) room.end(address);
    if (type === messageTypes.close) room.close(session);
  } catch (error) {
    const known = error instanceof SpeechError ? error : new SpeechError("frame_invalid", undefined, { cause: error });
    await writeFrame(
      process.stdout,
      messageTypes.refused,
      toJson({ ...address, failure: toSpeechError(known).toFailure() }),
    );
  }
}

await main();
process.exit(0);
