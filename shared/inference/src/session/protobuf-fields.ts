/** Messages of protobuf field by field, as they are: what is known of a field is its number, and the rest is bytes. */

export interface Field {
  number: number;
  /** With its tag. */
  bytes: Uint8Array;
  /** Of a length-delimited field. */
  body: Uint8Array;
  /** Of a varint. */
  value: number;
}

export function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const from = at;
    const [tag, begin] = readVarint(bytes, at);
    const [number, wire] = [tag >>> 3, tag & 7];
    let [value, body] = [0, bytes.subarray(0, 0)];
    if (wire === 0) [value, at] = readVarint(bytes, begin);
    else if (wire === 2) {
      const [length, start] = readVarint(bytes, begin);
      at = start + length;
      body = bytes.subarray(start, at);
    } else if (wire === 1 || wire === 5) at = begin + (wire === 1 ? 8 : 4);
    else throw new RangeError(`a field of wire type ${wire}: this is no message`);
    if (at > bytes.length) throw new RangeError("a field goes over the end: this is no message");
    fields.push({ number, bytes: bytes.subarray(from, at), body, value });
  }
  return fields;
}

/** Answers the number and where the next field begins. Numbers of more than 53 bits are none that matter here. */
export function readVarint(bytes: Uint8Array, from: number): [value: number, next: number] {
  let value = 0;
  for (let at = from, factor = 1; ; at++, factor *= 128) {
    const byte = bytes[at];
    if (byte === undefined) throw new RangeError("a number goes over the end: this is no message");
    value += (byte & 127) * factor;
    if (byte < 128) return [value, at + 1];
  }
}

export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Uint8Array.from([...bytes, rest]);
}

export function delimited(number: number, body: Uint8Array): Uint8Array {
  return joined([varint(number * 8 + 2), varint(body.length), body]);
}

export function text(number: number, value: string): Uint8Array {
  return delimited(number, new TextEncoder().encode(value));
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
