/**
 * What each line brought, copies that the collector kept back included: from the runs in the chunks'
 * headers, since the frames of those copies never come here. Counts, by stream and line.
 */
import type { Channel } from "../frames/channels.ts";
import type { ChunkHeader } from "../frames/chunk-header.ts";

export class LineCounts {
  /** By stream id: the addresses in the order of their appearance, and numbers brought by each line. */
  private readonly streams = new Map<number, { addresses: string[]; brought: number[] }>();

  add({ stream, runs, channels }: ChunkHeader): void {
    let counts = this.streams.get(stream);
    if (counts === undefined) {
      counts = { addresses: [], brought: [] };
      this.streams.set(stream, counts);
    }
    for (let at = 0; at + 2 < runs.length; at += 3) {
      const channel = channels[runs[at]];
      if (channel === undefined) continue;
      const line = lineOf(channel, counts.addresses);
      counts.brought[line] = (counts.brought[line] ?? 0) + runs[at + 2] - runs[at + 1] + 1;
    }
  }

  /** Numbers that a line (0 is A) brought of a stream. */
  brought(stream: number, line: number): number {
    return this.streams.get(stream)?.brought[line] ?? 0;
  }
}

function lineOf(channel: Channel, addresses: string[]): number {
  if (channel.line >= 0) return channel.line;
  const address = `${channel.group}:${channel.port}`;
  const known = addresses.indexOf(address);
  return known >= 0 ? known : addresses.push(address) - 1;
}
