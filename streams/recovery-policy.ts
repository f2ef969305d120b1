/** How hard recovery tries before it says that something cannot be had. All times in ns. */
export interface RecoveryPolicy {
  /** The other line may bring it: nothing is asked for before a gap is this old. */
  readonly askAfterNs: number;
  /** From a gap's detection until ticks are given up for it. */
  readonly ticksNs: number;
  /** Questions for one range that brought nothing, before ticks are given up for it. */
  readonly tries: number;
  /** Silence after which a connection is given up. */
  readonly answerNs: number;
  /** After a failure; doubles with each further one up to `backoffMostNs`. */
  readonly backoffNs: number;
  readonly backoffMostNs: number;
  /** Ranges no further apart than this are asked for in one request. */
  readonly mergeNumbers: number;
  /** Streams that miss more numbers than this need a snapshot, not ticks. */
  readonly ticksNumbers: number;
  /** From the wish for a snapshot until it is given up. */
  readonly snapshotNs: number;
  /** Snapshots that failed on the way before the wish is given up. */
  readonly snapshotTries: number;
  /** After a snapshot that was older than what is needed. */
  readonly refreshNs: number;
  /** Snapshots on their way at the same time. */
  readonly snapshotsAtOnce: number;
}

export const RECOVERY_POLICY: RecoveryPolicy = {
  askAfterNs: 20e6,
  ticksNs: 5e9,
  tries: 8,
  answerNs: 2e9,
  backoffNs: 50e6,
  backoffMostNs: 1e9,
  mergeNumbers: 64,
  ticksNumbers: 3_000_000,
  snapshotNs: 90e9,
  snapshotTries: 12,
  refreshNs: 3e9,
  snapshotsAtOnce: 2,
};
