/** The microphone, and why there is none: browsers refuse it in several ways, and none of them says what to do. */

/** What the recognisers take. */
export const RATE = 16_000;

export interface Microphone {
  close(): Promise<void>;
}

/** Throws a sentence for whoever wants to speak. */
export async function openMicrophone(onFrame: (samples: Int16Array<ArrayBuffer>) => void): Promise<Microphone> {
  if (!isSecureContext || navigator.mediaDevices === undefined) {
    throw new Error(
      `The browser lets only pages of https or of this machine itself use the microphone, and this is ${location.origin}. ` +
        "Put TLS in front of the gateway, or open it on the machine it runs on, as http://127.0.0.1 or through an SSH tunnel.",
    );
  }
  const constraints = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: constraints }).catch((error: unknown) => {
    throw new Error(refusal(error instanceof Error ? error.name : ""), { cause: error });
  });
  const context = new AudioContext({ sampleRate: RATE });
  const close = async () => {
    for (const track of stream.getTracks()) track.stop();
    await context.close();
  };
  try {
    await context.audioWorklet.addModule("/console/microphone-worklet.ts");
    const tap = new AudioWorkletNode(context, "microphone-tap", { numberOfOutputs: 0 });
    tap.port.onmessage = ({ data }) => onFrame(data);
    context.createMediaStreamSource(stream).connect(tap);
    await context.resume();
  } catch (error) {
    await close();
    throw new Error("This browser cannot record at 16 kHz. Record a file and drop it here.", { cause: error });
  }
  return { close };
}

function refusal(name: string): string {
  if (name === "NotAllowedError") {
    return "The microphone was refused. Allow it for this page in the browser's address bar, and in the system's privacy settings, and try again.";
  }
  if (name === "NotFoundError") return "There is no microphone. Connect one, or drop a recording here.";
  if (name === "NotReadableError") return "The microphone is taken by another program. Close that, and try again.";
  return `The microphone could not be opened (${name || "unknown"}).`;
}
