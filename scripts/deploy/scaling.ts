/**
 * When there are how many: KEDA's ScaledObjects. Books by the calendar alone, since moving a stream
 * in session costs validity; ingest by the calendar and by Kafka's lag, whichever asks for more.
 */
import { type Fields, KAFKA, labels, NAMESPACE } from "./parts.ts";
import { type Segment, TIME_ZONE } from "./segments.ts";
import { group } from "./workloads.ts";

/** Records of lag that one ingest worker is meant to have before it: four seconds of its work. */
const LAG_RECORDS = 300;
const POLLING_SECONDS = 30;
const TRADING_DAYS = "1-5";

export function bookScaling(segment: Segment): Fields {
  const { id, bookReplicas, bookFrom, bookUntil } = segment;
  return scaledObject("book", segment, {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name: `book-${id}` },
    maxReplicaCount: bookReplicas,
    // What the calendar has ended is over: nothing is to be waited for.
    cooldownPeriod: 60,
    triggers: [hours(bookFrom, bookUntil, bookReplicas)],
  });
}

export function ingestScaling(segment: Segment): Fields {
  const { id, ingestAtLeast, ingestAtMost, bookFrom, ingestUntil } = segment;
  return scaledObject("ingest", segment, {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: `ingest-${id}` },
    maxReplicaCount: ingestAtMost,
    cooldownPeriod: 300,
    advanced: {
      horizontalPodAutoscalerConfig: {
        behavior: {
          // A burst is over in minutes: at once to what is needed.
          scaleUp: {
            stabilizationWindowSeconds: 0,
            selectPolicy: "Max",
            policies: [
              { type: "Percent", value: 100, periodSeconds: 15 },
              { type: "Pods", value: 9, periodSeconds: 15 },
            ],
          },
          // Each change makes the group deal out its partitions anew: not after every burst.
          scaleDown: {
            stabilizationWindowSeconds: 600,
            selectPolicy: "Max",
            policies: [{ type: "Percent", value: 50, periodSeconds: 60 }],
          },
        },
      },
    },
    triggers: [
      hours(bookFrom, ingestUntil, ingestAtLeast),
      {
        type: "kafka",
        metadata: {
          bootstrapServers: KAFKA,
          consumerGroup: group(segment),
          topic: `${id}.events`,
          lagThreshold: String(LAG_RECORDS),
          activationLagThreshold: "0",
          // A group that has never committed anything has all of the topic before it.
          offsetResetPolicy: "earliest",
          allowIdleConsumers: "false",
        },
      },
    ],
  });
}

function scaledObject(part: "book" | "ingest", segment: Segment, spec: Fields): Fields {
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: {
      name: `${part}-${segment.id}`,
      namespace: NAMESPACE,
      labels: labels(part, segment.id),
    },
    spec: { pollingInterval: POLLING_SECONDS, minReplicaCount: 0, ...spec },
  };
}

/** @param from @param until `HH:MM` in the exchange's own time */
function hours(from: string, until: string, replicas: number): Fields {
  return {
    type: "cron",
    metadata: {
      timezone: TIME_ZONE,
      start: cron(from),
      end: cron(until),
      desiredReplicas: String(replicas),
    },
  };
}

function cron(time: string): string {
  const [hour, minute] = time.split(":").map(Number);
  return `${minute} ${hour} * * ${TRADING_DAYS}`;
}
