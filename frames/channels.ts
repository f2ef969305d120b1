/**
 * Channels: one multicast group and port each, and what it carries. Frames refer to a channel by
 * its index here. Filled from `--channels`, from flags, or by appearance in a capture.
 */
export interface Channel {
  /** IPv4 or IPv6 destination, as text. */
  readonly group: string;
  readonly port: number;
  /** Feed id, empty where nobody has said. */
  readonly feed: string;
  /** 0: the frame's own stream id decides. */
  readonly stream: number;
  /** 0 is A, 1 is B, and so on; -1: by order of appearance among the groups of one stream. */
  readonly line: number;
  /** `sequenced` feeds only. */
  readonly sequenceField?: SequenceField;
}

/** Where an opaque datagram carries its sequence number. */
export interface SequenceField {
  readonly offset: number;
  /** 1, 2, 4 or 8 bytes. */
  readonly width: number;
  readonly littleEndian: boolean;
  /** How many numbers the datagram covers; 1 where absent. */
  readonly count?: { readonly offset: number; readonly width: number };
}

export class Channels {
  readonly list: Channel[] = [];
  private readonly byAddress = new Map<string, number>();

  /** Index of the channel, appended if it is new. */
  add(channel: Channel): number {
    const key = `${channel.group}:${channel.port}`;
    const known = this.byAddress.get(key);
    if (known !== undefined) return known;
    const index = this.list.length;
    this.list.push(channel);
    this.byAddress.set(key, index);
    return index;
  }

  indexOf(group: string, port: number): number | undefined {
    return this.byAddress.get(`${group}:${port}`);
  }
}
