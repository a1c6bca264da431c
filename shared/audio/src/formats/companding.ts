/** G.711: 8 bits on a logarithmic scale. Tables from byte to sample in −1 … 1, by the formulas of the recommendation. */

function table(toSample: (byte: number) => number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, byte) => toSample(byte) / 32_768);
}

export const muLaw = table((byte) => {
  const code = ~byte & 255;
  const magnitude = ((((code & 15) << 3) + 132) << ((code >> 4) & 7)) - 132;
  return (code & 128) === 0 ? magnitude : -magnitude;
});

export const aLaw = table((byte) => {
  const code = byte ^ 0x55;
  const exponent = (code >> 4) & 7;
  const mantissa = ((code & 15) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 256) << (exponent - 1);
  return (code & 128) === 0 ? -magnitude : magnitude;
});
