/** An Int32Array that grows: for what is read from files whose size is not known before. */
export class GrowableInts {
  length = 0;
  data: Int32Array;

  constructor(capacity = 1024) {
    this.data = new Int32Array(capacity);
  }

  push(value: number): number {
    if (this.length === this.data.length) {
      const larger = new Int32Array(2 * this.length);
      larger.set(this.data);
      this.data = larger;
    }
    this.data[this.length] = value;
    return this.length++;
  }

  /** A copy without spare room. */
  toArray(): Int32Array {
    return this.data.slice(0, this.length);
  }
}
