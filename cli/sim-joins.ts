/** The groups of a simulated exchange in the two forms that `collect` takes. */
import type { Channels } from "../frames/channels.ts";

const LINE_NAMES = "AB";

/** `--join 239.255.70.1:17741=1/A` */
export function joinLines(channels: Channels): string[] {
  return channels.list.map(
    ({ group, port, stream, line }) => `--join ${group}:${port}=${stream}/${LINE_NAMES[line]}`,
  );
}

/** What can be saved as `collector.toml`; but for where chunks go. */
export function collectorToml(channels: Channels, feed: string, networkInterface: string): string {
  const joins = channels.list.map(
    ({ group, port, stream, line }) => `  "${group}:${port}=${stream}/${LINE_NAMES[line]}",`,
  );
  return [
    `feed = "${feed}"`,
    `interface = "${networkInterface}"`,
    "join = [",
    ...joins,
    "]",
    "",
  ].join("\n");
}
