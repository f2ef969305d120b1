/** `--join GROUP:PORT[=STREAM[/LINE]]`: which groups to listen to, and what they carry. */
import type { Channel } from "../frames/channels.ts";

const JOIN = /^(\[[0-9a-f:.]+\]|[0-9.]+):(\d{1,5})(?:=(\d{1,9})(?:\/(\w+))?)?$/i;

/** `A` and `1` are line 0, `B` and `2` line 1; -1 where nobody said. */
export function lineNumber(text: string | undefined): number | undefined {
  if (text === undefined) return -1;
  if (/^[A-H]$/i.test(text)) return text.toUpperCase().charCodeAt(0) - 65;
  return /^[1-8]$/.test(text) ? Number(text) - 1 : undefined;
}

/** The channel that the text means, or `undefined` if it is none. */
export function parseJoin(text: string, feed: string): Channel | undefined {
  const parts = JOIN.exec(text);
  if (parts === null) return undefined;
  const [, group, portText, streamText = "0", lineText] = parts;
  const line = lineNumber(lineText);
  const port = Number(portText);
  if (line === undefined || port < 1 || port > 65535) return undefined;
  return { group: group.replace(/^\[|\]$/g, ""), port, feed, stream: Number(streamText), line };
}
