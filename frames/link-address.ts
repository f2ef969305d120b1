/**
 * Destination addresses as text, in one spelling each (RFC 5952 for IPv6), so that an address of
 * the channel table and one met in a capture are the same key. Only ever called for new channels.
 */

/** The address in the four bytes of a signed word, most significant first. */
export function ipv4Text(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

/** The address in the 16 bytes from `at`: lower case, the longest run of zeros as `::`. */
export function ipv6Text(bytes: Uint8Array, at: number): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[at + i] << 8) | bytes[at + i + 1]);
  const run = longestZeroRun(groups);
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (run.length < 2) return text(groups);
  return `${text(groups.slice(0, run.start))}::${text(groups.slice(run.start + run.length))}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (start + length < groups.length && groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

/** The 4 or 16 bytes of an address, or undefined where the text is none. */
export function addressBytes(text: string): Uint8Array | undefined {
  return text.includes(":") ? ipv6Bytes(text) : ipv4Bytes(text);
}

/** The one spelling of an address, or undefined where the text is none. */
export function addressText(text: string): string | undefined {
  const bytes = addressBytes(text);
  if (bytes === undefined) return undefined;
  return bytes.length === 4 ? bytes.join(".") : ipv6Text(bytes, 0);
}

function ipv4Bytes(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  if (!parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return Uint8Array.from(parts.map(Number));
}

function ipv6Bytes(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const front = hexGroups(halves[0]);
  const back = halves.length === 2 ? hexGroups(halves[1]) : [];
  if (front === undefined || back === undefined) return undefined;
  const missing = 8 - front.length - back.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...front, ...new Array<number>(missing).fill(0), ...back];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]));
}

/** Groups of up to four hex digits; the last may be an IPv4 address, which is two groups. */
function hexGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const groups: number[] = [];
  for (let i = 0; i < parts.length; i++) {
    const tail = i === parts.length - 1 && parts[i].includes(".") ? ipv4Bytes(parts[i]) : undefined;
    if (tail !== undefined) groups.push((tail[0] << 8) | tail[1], (tail[2] << 8) | tail[3]);
    else if (/^[0-9a-fA-F]{1,4}$/.test(parts[i])) groups.push(Number.parseInt(parts[i], 16));
    else return undefined;
  }
  return groups;
}
