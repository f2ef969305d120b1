/** Where a simulated exchange is to be found, as `collect` takes it. */
import type { Channels } from "../frames/channels.ts";

const LINE_NAMES = "AB";

/**
 * What can be saved as `collector.toml`; where chunks go is to be added.
 * @param servers ports of `recovery` and `snapshot`, where there are such
 */
export function collectorToml(
  channels: Channels,
  feed: string,
  networkInterface: string,
  servers: Readonly<Record<string, number>>,
): string {
  const joins = channels.list.map(
    ({ group, port, stream, line }) => `  "${group}:${port}=${stream}/${LINE_NAMES[line]}",`,
  );
  return [
    `feed = "${feed}"`,
    `interface = "${networkInterface}"`,
    ...Object.entries(servers).map(([kind, port]) => `${kind} = "127.0.0.1:${port}"`),
    "join = [",
    ...joins,
    "]",
    "",
  ].join("\n");
}
