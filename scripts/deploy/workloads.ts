/**
 * The pods of a segment: book services that keep their place in Kafka's group for good, and ingest
 * workers that come and go. Replicas are KEDA's (`scaling.ts`); none outside the hours.
 */
import {
  bounds,
  CONTAINER_SECURITY,
  type Fields,
  IMAGE,
  KAFKA,
  labels,
  NAMESPACE,
  POD_SECURITY,
  probes,
  SCRATCH,
  SCRATCH_MOUNT,
} from "./parts.ts";
import type { Segment } from "./segments.ts";

/** What one replica takes in a second, and how long it is from wanted to ready: see `deploy/README.md`. */
export const CAPACITY = {
  /** One core: 0.73 us of it a message for the books, as much for chunks and rows. */
  bookMessages: 500_000,
  ingestMessages: 150_000,
  /** An event batch is one record of Kafka, and lag is counted in records. */
  messagesPerRecord: 2_000,
  startSeconds: 40,
} as const;

const TICKS = "edgebook.io/messages-per-second";
const BATCH = "edgebook.io/messages-per-record";
const START = "edgebook.io/start-seconds";

export function bookSet(segment: Segment): Fields {
  const name = `book-${segment.id}`;
  const mine = labels("book", segment.id);
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name, namespace: NAMESPACE, labels: mine },
    spec: {
      serviceName: name,
      // All at once: each has its own streams, and none waits for another.
      podManagementPolicy: "Parallel",
      selector: { matchLabels: mine },
      template: {
        metadata: {
          labels: mine,
          annotations: {
            [TICKS]: String(CAPACITY.bookMessages),
            [START]: String(CAPACITY.startSeconds),
          },
        },
        spec: podSpec(
          volume("state"),
          {
            name: "book",
            ports: [{ name: "http", containerPort: 8080 }],
            args: [
              ...["book", "--from", `kafka://${KAFKA}/${segment.id}`, "--name", segment.id],
              ...["--member", "$(POD_NAME)", "--state", `/state/${segment.id}`],
              ...["--events", `kafka://${KAFKA}/${segment.id}`, "--http", "[::]:8080"],
            ],
            env: [podName()],
            volumeMounts: [SCRATCH_MOUNT, { name: "state", mountPath: "/state" }],
            resources: bounds("1", "4Gi", "2"),
            ...probes(120),
          },
          mine,
        ),
      },
    },
  };
}

export function ingestDeployment(segment: Segment): Fields {
  const name = `ingest-${segment.id}`;
  const mine = labels("ingest", segment.id);
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace: NAMESPACE, labels: mine },
    spec: {
      selector: { matchLabels: mine },
      // A new worker before an old one goes: the group is never without.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: {
        metadata: {
          labels: mine,
          annotations: {
            [TICKS]: String(CAPACITY.ingestMessages),
            [BATCH]: String(CAPACITY.messagesPerRecord),
            [START]: String(CAPACITY.startSeconds),
          },
        },
        spec: podSpec(
          volume("lake"),
          {
            name: "ingest",
            // No name of its own: a worker that the autoscaler takes away does not come back.
            args: [
              ...["ingest", "--kafka", `kafka://${KAFKA}/${segment.id}`],
              ...["--lake", `/lake/${segment.id}`, "--allowed-latency", "60s"],
              ...["--consumer-group", group(segment), "--app-id", group(segment)],
            ],
            volumeMounts: [SCRATCH_MOUNT, { name: "lake", mountPath: "/lake" }],
            resources: bounds("1", "4Gi", "2"),
          },
          mine,
        ),
      },
    },
  };
}

/** Its lag is what the autoscaler looks at. */
export function group(segment: Segment): string {
  return `${segment.id}.ingest`;
}

/** The page and the API of a segment, and the names of its pods. */
export function bookService(segment: Segment): Fields {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: `book-${segment.id}`,
      namespace: NAMESPACE,
      labels: labels("book", segment.id),
    },
    spec: {
      clusterIP: "None",
      selector: labels("book", segment.id),
      ports: [{ name: "http", port: 8080, targetPort: "http" }],
    },
  };
}

/** A node that is drained waits: of the books none, of the ingest workers one at a time. */
export function disruptionBudget(part: "book" | "ingest", segment: Segment): Fields {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: {
      name: `${part}-${segment.id}`,
      namespace: NAMESPACE,
      labels: labels(part, segment.id),
    },
    spec: {
      maxUnavailable: part === "book" ? 0 : 1,
      selector: { matchLabels: labels(part, segment.id) },
    },
  };
}

/** What all pods of the centre see: the tables, and the checkpoints that book services hand over by. */
export function sharedClaim(name: "lake" | "state", storage: string): Fields {
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name, namespace: NAMESPACE, labels: labels(name) },
    spec: { accessModes: ["ReadWriteMany"], resources: { requests: { storage } } },
  };
}

function volume(name: string): Fields {
  return { name, persistentVolumeClaim: { claimName: name } };
}

function podSpec(
  volume: Fields,
  container: Fields,
  mine: Record<string, string>,
): Record<string, unknown> {
  return {
    automountServiceAccountToken: false,
    securityContext: POD_SECURITY,
    // It closes what is open and commits, which is done in far less.
    terminationGracePeriodSeconds: 60,
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "kubernetes.io/hostname",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: mine },
      },
    ],
    containers: [
      {
        image: IMAGE,
        imagePullPolicy: "IfNotPresent",
        securityContext: CONTAINER_SECURITY,
        ...container,
      },
    ],
    volumes: [SCRATCH, volume],
  };
}

function podName(): Fields {
  return { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } };
}
