/** Edge: what the owner of the shards counts of them, as samples of the table of metrics. */
import type { Exposition } from "../../metrics/exposition.ts";
import type { ShardEdge } from "./shard-edge.ts";

export function shardMetrics(
  page: Exposition,
  shards: readonly ShardEdge[],
  quarantined: number,
): void {
  shards.forEach((edge, at) => {
    const shard = at + 1;
    const { log } = edge;
    const { mailbox } = edge.worker;
    page.set("shard_up", { shard }, edge.isUp ? 1 : 0);
    page.set("shard_restarts_total", { shard }, edge.restarts);
    page.set("shard_mailbox_depth", { shard }, mailbox.depth);
    page.set("shard_mailbox_depth_max", { shard }, mailbox.highWaterMark);
    page.set("shard_mailbox_dropped_total", { shard }, mailbox.dropped);
    page.set("shard_log_bytes", { shard }, log.bytes);
    page.set("shard_log_bytes_max", { shard }, log.bytesMax);
    page.set("shard_log_forgotten_total", { shard }, log.forgotten);
    page.set("shard_checkpoints_total", { shard }, edge.checkpoints);
    page.set("shard_checkpoint_pause_seconds", { shard }, edge.pauseNs / 1e9);
    page.set("shard_checkpoint_pause_seconds_max", { shard }, edge.pauseNsMax / 1e9);
    page.set("shard_checkpoint_bytes", { shard }, edge.checkpointBytes);
  });
  page.set("chunks_quarantined_total", {}, quarantined);
}
