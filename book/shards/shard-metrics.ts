/** Edge: what the owner of the shards counts of them, in the Prometheus exposition format. */
import type { ShardEdge } from "./shard-edge.ts";

type Family = readonly [
  name: string,
  type: "counter" | "gauge",
  help: string,
  of: (shard: ShardEdge) => number,
];

const FAMILIES: readonly Family[] = [
  ["shard_up", "gauge", "1: the shard can be asked.", ({ isUp }) => (isUp ? 1 : 0)],
  ["shard_restarts_total", "counter", "Lives that failed.", ({ restarts }) => restarts],
  ["shard_mailbox_depth", "gauge", "Records in the ring.", ({ worker }) => worker.mailbox.depth],
  [
    "shard_mailbox_depth_max",
    "gauge",
    "The most that ever waited there.",
    ({ worker }) => worker.mailbox.highWaterMark,
  ],
  [
    "shard_mailbox_dropped_total",
    "counter",
    "Records that the ring's policy dropped.",
    ({ worker }) => worker.mailbox.dropped,
  ],
  ["shard_log_bytes", "gauge", "Records kept for a new life.", ({ log }) => log.bytes],
  ["shard_log_bytes_max", "gauge", "The most that ever were.", ({ log }) => log.bytesMax],
  [
    "shard_log_forgotten_total",
    "counter",
    "Records that the log's bound dropped.",
    ({ log }) => log.forgotten,
  ],
  [
    "shard_checkpoints_total",
    "counter",
    "Checkpoints on the disk.",
    ({ checkpoints }) => checkpoints,
  ],
  [
    "shard_checkpoint_pause_seconds",
    "gauge",
    "How long the last one stopped the shard.",
    ({ pauseNs }) => pauseNs / 1e9,
  ],
  [
    "shard_checkpoint_pause_seconds_max",
    "gauge",
    "The longest stop.",
    ({ pauseNsMax }) => pauseNsMax / 1e9,
  ],
  [
    "shard_checkpoint_bytes",
    "gauge",
    "Size of the last one's file.",
    ({ checkpointBytes }) => checkpointBytes,
  ],
];

export function shardMetrics(shards: readonly ShardEdge[], quarantined: number): string {
  let text = "";
  for (const [name, type, help, of] of FAMILIES) {
    text += `# HELP edgebook_${name} ${help}\n# TYPE edgebook_${name} ${type}\n`;
    shards.forEach((shard, at) => {
      text += `edgebook_${name}{shard="${at + 1}"} ${of(shard)}\n`;
    });
  }
  const name = "edgebook_chunks_quarantined_total";
  text += `# HELP ${name} Chunks that broke a shard again and again.\n`;
  return `${text}# TYPE ${name} counter\n${name} ${quarantined}\n`;
}
