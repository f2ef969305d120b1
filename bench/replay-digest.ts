/** What frames say, in their order, in one number: FNV-1a over lengths and bytes. */
export class FrameDigest {
  private value = 2166136261;

  add(bytes: Uint8Array, offset: number, length: number): void {
    let value = Math.imul(this.value ^ length, 16777619);
    for (let at = offset; at < offset + length; at++) {
      value = Math.imul(value ^ bytes[at], 16777619);
    }
    this.value = value;
  }

  get text(): string {
    return (this.value >>> 0).toString(16).padStart(8, "0");
  }
}
