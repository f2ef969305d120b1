/**
 * What a feed's framing found in a batch of datagrams: packets, each a run of consecutively
 * numbered messages of one stream, or a heartbeat. Structure of arrays, reused batch after batch.
 */
export const PacketKind = {
  /** Numbered messages. */
  Messages: 0,
  /** No message; `sequence` is the last number that the exchange has sent. */
  Heartbeat: 1,
  /** The exchange ends the session; `sequence` is the last number that it has sent. */
  EndOfSession: 2,
} as const;

/** Why bytes were set aside. A datagram may hold good packets before the fault. */
export const Fault = {
  None: 0,
  /** Shorter than its header, or than the lengths in it say. */
  Truncated: 1,
  /** A length field that no message of this type can have. */
  BadLength: 2,
  /** A message type that the table does not know. Skipped by its length and counted. */
  UnknownType: 3,
  /** Not this feed's protocol at all (version or protocol id). */
  WrongProtocol: 4,
  /** Sequence number 0 with a message, or another number that cannot be. */
  BadSequence: 5,
  /** Bytes behind the last message. */
  TrailingBytes: 6,
} as const;
export type Fault = (typeof Fault)[keyof typeof Fault];
export const FAULT_NAMES = [
  "none",
  "truncated",
  "bad_length",
  "unknown_type",
  "wrong_protocol",
  "bad_sequence",
  "trailing_bytes",
] as const;

export class PacketBatch {
  count = 0;
  /** Index of the datagram in its frame batch. */
  frame: Int32Array;
  /** A `PacketKind`. */
  kind: Uint8Array;
  /** The exchange's stream id, as in the packet or the channel table. */
  stream: Int32Array;
  /** Number of the session in the framing's `sessions`; 0 where the feed has none. */
  session: Int32Array;
  /** First number of a run; of a heartbeat the last number sent. Exact below 2^53. */
  sequence: Float64Array;
  /** How many numbers the packet covers: its messages, but for `sequenced` feeds its count field. */
  numbers: Int32Array;
  /** Index of the packet's first message in `messageOffset`; its last is before the next packet's. */
  firstMessage: Int32Array;
  messageCount = 0;
  /** Bytes from the start of the frame batch's buffer. */
  messageOffset: Int32Array;
  messageLength: Int32Array;
  /** Messages of a file whose length prefix was 0, so that their type's length was taken. */
  mendedLengths = 0;

  constructor(packets = 4096, messages = 16384) {
    this.frame = new Int32Array(packets);
    this.kind = new Uint8Array(packets);
    this.stream = new Int32Array(packets);
    this.session = new Int32Array(packets);
    this.sequence = new Float64Array(packets);
    this.numbers = new Int32Array(packets);
    this.firstMessage = new Int32Array(packets + 1);
    this.messageOffset = new Int32Array(messages);
    this.messageLength = new Int32Array(messages);
  }

  clear(): void {
    this.count = 0;
    this.messageCount = 0;
    this.mendedLengths = 0;
    this.firstMessage[0] = 0;
  }

  /** Opens a packet; its messages follow with `addMessage`. */
  addPacket(
    frame: number,
    kind: number,
    stream: number,
    session: number,
    sequence: number,
    numbers: number,
  ): void {
    if (this.count === this.frame.length) this.growPackets();
    const at = this.count++;
    this.frame[at] = frame;
    this.kind[at] = kind;
    this.stream[at] = stream;
    this.session[at] = session;
    this.sequence[at] = sequence;
    this.numbers[at] = numbers;
    this.firstMessage[at] = this.messageCount;
    this.firstMessage[at + 1] = this.messageCount;
  }

  /** A message of the packet opened last. */
  addMessage(offset: number, length: number): void {
    if (this.messageCount === this.messageOffset.length) this.growMessages();
    this.messageOffset[this.messageCount] = offset;
    this.messageLength[this.messageCount] = length;
    this.firstMessage[this.count] = ++this.messageCount;
  }

  /** Makes room for so many more packets of one message each. */
  reserve(singles: number): void {
    const packets = this.count + singles;
    if (packets > this.frame.length) this.growPackets(packets);
    const messages = this.messageCount + singles;
    if (messages > this.messageOffset.length) this.growMessages(messages);
  }

  /**
   * Completes packets of one message each, whose `stream` and `sequence` stand in their columns from
   * `count` on, of a feed without sessions; `reserve` came before. Each datagram is one message.
   * @param frame index of the first one's datagram, those of the others follow
   * @param offsets of datagrams by their index, `lengths` likewise
   */
  addSingles(frame: number, singles: number, offsets: Int32Array, lengths: Int32Array): void {
    const { count, messageCount, frame: frames, firstMessage } = this;
    this.kind.fill(PacketKind.Messages, count, count + singles);
    this.session.fill(0, count, count + singles);
    this.numbers.fill(1, count, count + singles);
    this.messageOffset.set(offsets.subarray(frame, frame + singles), messageCount);
    this.messageLength.set(lengths.subarray(frame, frame + singles), messageCount);
    for (let i = 0; i < singles; i++) {
      frames[count + i] = frame + i;
      firstMessage[count + i] = messageCount + i;
    }
    this.count = count + singles;
    this.messageCount = messageCount + singles;
    firstMessage[this.count] = this.messageCount;
  }

  private growPackets(least = 0): void {
    const size = Math.max(least, this.frame.length * 2);
    this.frame = grownInt32(this.frame, size);
    this.stream = grownInt32(this.stream, size);
    this.session = grownInt32(this.session, size);
    this.numbers = grownInt32(this.numbers, size);
    this.firstMessage = grownInt32(this.firstMessage, size + 1);
    const kind = new Uint8Array(size);
    kind.set(this.kind);
    this.kind = kind;
    const sequence = new Float64Array(size);
    sequence.set(this.sequence);
    this.sequence = sequence;
  }

  private growMessages(least = 0): void {
    const size = Math.max(least, this.messageOffset.length * 2);
    this.messageOffset = grownInt32(this.messageOffset, size);
    this.messageLength = grownInt32(this.messageLength, size);
  }
}

function grownInt32(old: Int32Array, size: number): Int32Array {
  const grown = new Int32Array(size);
  grown.set(old);
  return grown;
}
