/** What a sequencer may be told. All windows are capture time, never the wall's. */
export interface SequencerOptions {
  /** Reordering window in ns of capture time; 0 runs on at once. Default 100 ms. */
  readonly windowNs: number;
  /** Held messages of one stream at most, before its oldest gap is lost. Default 1,000,000. */
  readonly windowMessages: number;
  /** Memory for held messages of all streams at most, in bytes. Default 256 MiB. */
  readonly windowBytes: number;
  /** False where nobody reads what is delivered: then what waits behind a gap is not copied. Default true. */
  readonly holdsBytes: boolean;
  /** Count what is missing before the first number too (`--from-start`). Default false. */
  readonly fromStart: boolean;
  /** A stream that does not start at 1 is flagged `J` (`Feed.lateStartDoubtful`). Default false. */
  readonly lateStartDoubtful: boolean;
  /** Streams at most; packets of further ones are quarantined. Default 4096. */
  readonly maxStreams: number;
  /** Rows of each kind that the ledger keeps. Default 16,384. */
  readonly ledgerRows: number;
  /** Messages in one delivered batch at most. Default 512: the columns stay in the L1 cache. */
  readonly batchMessages: number;
}

export const DEFAULT_OPTIONS: SequencerOptions = {
  windowNs: 100e6,
  windowMessages: 1_000_000,
  windowBytes: 256 * 2 ** 20,
  holdsBytes: true,
  fromStart: false,
  lateStartDoubtful: false,
  maxStreams: 4096,
  ledgerRows: 16384,
  batchMessages: 512,
};
