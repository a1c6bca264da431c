/** Takes what the microphone hears, 64 ms at a time, as 16-bit samples. */
const SAMPLES = 1_024;

declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

class MicrophoneTap extends AudioWorkletProcessor {
  private frame = new Int16Array(SAMPLES);
  private filled = 0;

  process([input = []]: Float32Array[][]): boolean {
    for (const sample of input[0] ?? []) {
      this.frame[this.filled] = Math.max(-1, Math.min(1, sample)) * 32_767;
      this.filled += 1;
      if (this.filled < SAMPLES) continue;
      this.port.postMessage(this.frame, [this.frame.buffer]);
      this.frame = new Int16Array(SAMPLES);
      this.filled = 0;
    }
    return true;
  }
}

registerProcessor("microphone-tap", MicrophoneTap);
