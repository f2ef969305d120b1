/** Edge: a shard as `/v1/system` shows it. */
import type { ShardJson } from "../system.ts";
import type { ShardEdge } from "./shard-edge.ts";

export function shardJson(shard: ShardEdge, at: number): ShardJson {
  return {
    shard: String(at + 1),
    up: shard.isUp,
    restarts: shard.restarts,
    mailbox_records: shard.worker.mailbox.depth,
    log_bytes: shard.log.bytes,
    checkpoints: shard.checkpoints,
    checkpoint_pause_seconds: shard.pauseNs / 1e9,
    checkpoint_bytes: shard.checkpointBytes,
    chunks_set_aside: shard.poisoned,
  };
}
