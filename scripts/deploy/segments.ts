/**
 * The exchange's segments as the manifests deploy them: their hours, and how much of everything each
 * gets. Edit, then run `scripts/deploy/write.ts`.
 *
 * Hours are the exchange's, in Asia/Kolkata. Pods are there well before the pre-open, so that a node
 * can be had, images pulled and checkpoints read, and stay until what came last is in the lake.
 */
export const TIME_ZONE = "Asia/Kolkata";

export interface Segment {
  /** Short; part of every name, and the prefix of its topics in Kafka. */
  readonly id: string;
  readonly feed: string;
  readonly title: string;
  /** First message that matters and last one, `HH:MM`. */
  readonly opens: string;
  readonly closes: string;
  /** Book services are there from, until. Calendar only: moving a stream in session costs validity. */
  readonly bookFrom: string;
  readonly bookUntil: string;
  /** Ingest outlives the session by what it needs to catch up; lag holds it longer still. */
  readonly ingestUntil: string;
  /** Members of the segment's group of book services, a core each. */
  readonly bookReplicas: number;
  /** Of the topic of chunks: no more book services than these can share them. */
  readonly framePartitions: number;
  /** Of the topics of events: no more ingest workers than these can share them. */
  readonly eventPartitions: number;
  /** Ingest workers through the session, and at most. */
  readonly ingestAtLeast: number;
  readonly ingestAtMost: number;
}

export const SEGMENTS: readonly Segment[] = [
  {
    id: "cm",
    feed: "nse-cm",
    title: "equities: pre-open 09:00, closing auction to 15:35",
    opens: "09:00",
    closes: "15:35",
    bookFrom: "08:40",
    bookUntil: "15:50",
    ingestUntil: "16:15",
    bookReplicas: 4,
    framePartitions: 4,
    eventPartitions: 12,
    ingestAtLeast: 2,
    ingestAtMost: 12,
  },
  {
    id: "fo",
    feed: "nse-fo",
    title: "futures and options: pre-open 09:00, to 15:40",
    opens: "09:00",
    closes: "15:40",
    bookFrom: "08:40",
    bookUntil: "15:55",
    ingestUntil: "16:30",
    bookReplicas: 18,
    framePartitions: 18,
    eventPartitions: 36,
    ingestAtLeast: 9,
    ingestAtMost: 36,
  },
  {
    id: "cd",
    feed: "nse-cd",
    title: "currency derivatives: to 17:00",
    opens: "09:00",
    closes: "17:00",
    bookFrom: "08:40",
    bookUntil: "17:15",
    ingestUntil: "17:30",
    bookReplicas: 1,
    framePartitions: 2,
    eventPartitions: 2,
    ingestAtLeast: 1,
    ingestAtMost: 2,
  },
  {
    id: "co",
    feed: "nse-co",
    title: "commodity derivatives: to 23:55",
    opens: "09:00",
    closes: "23:55",
    bookFrom: "08:40",
    bookUntil: "23:59",
    ingestUntil: "23:59",
    bookReplicas: 1,
    framePartitions: 2,
    eventPartitions: 2,
    ingestAtLeast: 1,
    ingestAtMost: 2,
  },
];
