/** What a format's encoder is: stretches of mono PCM16 in, the bytes that are ready out. */
export interface EncodeOptions {
  /** Of what is pushed, in Hz. What comes out has it too, but pcm (24 kHz), and rates that a codec does not know. */
  sampleRate: number;
  /** How many samples will be pushed, where that is known: headers then tell the length. `end` throws when it was another. */
  samples?: number;
}

export interface Encoder {
  /** The bytes that are ready: possibly none, and more than one push's worth at a time. */
  push(samples: Int16Array): Uint8Array;
  /** The rest. The encoder is spent afterwards. */
  end(): Uint8Array;
  /** Frees one that will not be ended; after `end` it does nothing. */
  close(): void;
}

export type OpenEncoder = (options: EncodeOptions) => Encoder | Promise<Encoder>;
