/**
 * Protocol Buffers by hand: messages declared as data, their bytes, and the descriptor by which any
 * consumer can decode them without our code (a `FileDescriptorSet`).
 *
 * Only what rows need: proto2, so that a field that is not there can be told from 0; scalar fields of
 * 64 bits, packed where they repeat, strings, and messages in messages.
 */

export type ProtoType =
  | "fixed64"
  | "sfixed64"
  | "uint64"
  | "sint64"
  | "string"
  | "bytes"
  | "message";

export interface ProtoField {
  readonly name: string;
  readonly number: number;
  readonly type: ProtoType;
  readonly isRepeated?: boolean;
  /** Name of the message, where the type is one. */
  readonly message?: string;
  /** Unit and meaning, for people. */
  readonly doc?: string;
}

export interface ProtoMessage {
  readonly name: string;
  readonly fields: readonly ProtoField[];
}

export interface ProtoFile {
  /** `edgebook/rows.proto` */
  readonly path: string;
  readonly packageName: string;
  readonly messages: readonly ProtoMessage[];
}

export const WireType = { Varint: 0, Fixed64: 1, Bytes: 2, Fixed32: 5 } as const;

/** As `google.protobuf.FieldDescriptorProto.Type` numbers them. */
const TYPE_NUMBERS: Readonly<Record<ProtoType, number>> = {
  uint64: 4,
  fixed64: 6,
  string: 9,
  message: 11,
  bytes: 12,
  sfixed64: 16,
  sint64: 18,
};
const [OPTIONAL, REPEATED] = [1, 3];
/** `google.protobuf.FieldOptions` with `packed` true. */
const PACKED_OPTION = Uint8Array.of(2 << 3, 1);
const TWO_32 = 4_294_967_296;

/** Bytes that grow; strings and numbers go in as the wire has them. */
export class ProtoWriter {
  bytes: Uint8Array;
  view: DataView;
  at = 0;

  constructor(capacity = 1 << 16) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for so many more bytes. */
  reserve(length: number): void {
    if (this.at + length <= this.bytes.length) return;
    const wider = new Uint8Array(Math.max(this.at + length, this.bytes.length * 2));
    wider.set(this.bytes.subarray(0, this.at));
    this.bytes = wider;
    this.view = new DataView(wider.buffer);
  }

  tag(field: number, wire: number): void {
    this.varint(field * 8 + wire);
  }

  /** @param value a whole number from 0 to 2^53 */
  varint(value: number): void {
    let rest = value;
    while (rest >= TWO_32) {
      this.bytes[this.at++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    rest >>>= 0;
    while (rest >= 128) {
      this.bytes[this.at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.bytes[this.at++] = rest;
  }

  fixed64(lo: number, hi: number): void {
    this.view.setUint32(this.at, lo, true);
    this.view.setUint32(this.at + 4, hi, true);
    this.at += 8;
  }

  /** A field of bytes, with tag and length; makes its own room. */
  field(number: number, bytes: Uint8Array): void {
    this.reserve(bytes.length + 16);
    this.tag(number, WireType.Bytes);
    this.varint(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  text(number: number, text: string): void {
    this.field(number, encoder.encode(text));
  }

  number(number: number, value: number): void {
    this.reserve(20);
    this.tag(number, WireType.Varint);
    this.varint(value);
  }

  /** What was written; its own copy. */
  take(): Uint8Array {
    const taken = this.bytes.slice(0, this.at);
    this.at = 0;
    return taken;
  }
}

const encoder = new TextEncoder();

/** The `google.protobuf.FileDescriptorSet` of a file. */
export function descriptorSet({ path, packageName, messages }: ProtoFile): Uint8Array {
  const file = new ProtoWriter();
  file.text(1, path);
  file.text(2, packageName);
  for (const message of messages) file.field(4, messageDescriptor(packageName, message));
  const set = new ProtoWriter();
  set.field(1, file.take());
  return set.take();
}

function messageDescriptor(packageName: string, { name, fields }: ProtoMessage): Uint8Array {
  const message = new ProtoWriter();
  message.text(1, name);
  for (const field of fields) {
    const { type, isRepeated, message: of } = field;
    const described = new ProtoWriter(256);
    described.text(1, field.name);
    described.number(3, field.number);
    described.number(4, isRepeated === true ? REPEATED : OPTIONAL);
    described.number(5, TYPE_NUMBERS[type]);
    if (of !== undefined) described.text(6, `.${packageName}.${of}`);
    if (isPacked(field)) described.field(8, PACKED_OPTION);
    message.field(2, described.take());
  }
  return message.take();
}

/** The same as the text of a `.proto` file, for people and their compilers. */
export function protoText({ packageName, messages }: ProtoFile): string {
  const parts = messages.map(({ name, fields }) => {
    const lines = fields.map((field) => {
      const label = field.isRepeated === true ? "repeated" : "optional";
      const options = isPacked(field) ? " [packed = true]" : "";
      const comment = field.doc === undefined ? "" : `  // ${field.doc}`;
      const type = field.message ?? field.type;
      return `  ${label} ${type} ${field.name} = ${field.number}${options};${comment}`;
    });
    return `message ${name} {\n${lines.join("\n")}\n}`;
  });
  return [`syntax = "proto2";`, `package ${packageName};`, ...parts, ""].join("\n\n");
}

/** Numbers that repeat stand one behind the other under one tag. */
function isPacked({ type, isRepeated }: ProtoField): boolean {
  return isRepeated === true && !["string", "bytes", "message"].includes(type);
}

/** Walks over a message's fields; stands still for good at the first damage. */
export class ProtoReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at = 0;
  end: number;
  isDamaged = false;
  /** Of the field in hand. */
  field = 0;
  wire = 0;
  /** Of a varint: the number, exact below 2^53. Of bytes: their length, from `at` on. */
  value = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
  }

  /** Reads a message within the bytes: one reader does for all rows of a batch. */
  enter(at: number, end: number): void {
    this.at = at;
    this.end = end;
  }

  /** To the next field; of fixed and bytes the caller goes on from `at`, by `skip` or by itself. */
  next(): boolean {
    if (this.isDamaged || this.at >= this.end) return false;
    const tag = this.varint();
    this.field = Math.floor(tag / 8);
    this.wire = tag % 8;
    if (this.wire === WireType.Varint) this.value = this.varint();
    else if (this.wire === WireType.Bytes) this.value = this.varint();
    else if (this.wire === WireType.Fixed64) this.value = 8;
    else if (this.wire === WireType.Fixed32) this.value = 4;
    else this.isDamaged = true;
    if (this.wire !== WireType.Varint && this.at + this.value > this.end) this.isDamaged = true;
    return !this.isDamaged;
  }

  /** Past the field in hand. */
  skip(): void {
    if (this.wire !== WireType.Varint) this.at += this.value;
  }

  private varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (this.at >= this.end) break;
      const byte = this.bytes[this.at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    this.isDamaged = true;
    return 0;
  }
}
