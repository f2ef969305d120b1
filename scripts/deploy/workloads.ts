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
  /** One shard is one core: 0.73 us of it a message for the books, as much for chunks and rows. */
  bookMessagesPerShard: 500_000,
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
  const { bookShards } = segment;
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
            [TICKS]: String(bookShards * CAPACITY.bookMessagesPerShard),
            [START]: String(CAPACITY.startSeconds),
          },
        },
        spec: podSpec(
          {
            name: "book",
            args: [
              ...["book", "--from", `kafka://${KAFKA}/${segment.id}`, "--name", segment.id],
              ...["--member", "$(POD_NAME)", "--shards", String(bookShards)],
              ...["--state", "/state", "--http", "[::]:8080"],
            ],
            env: [podName(), { name: "EDGEBOOK_EVENTS", value: `kafka://${KAFKA}/${segment.id}` }],
            volumeMounts: [SCRATCH_MOUNT, { name: "state", mountPath: "/state" }],
            resources: bounds(
              String(bookShards + 1),
              `${bookShards * 2 + 2}Gi`,
              `${bookShards + 2}`,
            ),
            ...probes(120),
          },
          mine,
        ),
      },
      volumeClaimTemplates: [claim("state", "ReadWriteOnce", "20Gi")],
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
        spec: {
          ...podSpec(
            {
              name: "ingest",
              args: ["ingest", `kafka://${KAFKA}/${segment.id}`, "--lake", "/lake"],
              env: [podName(), { name: "EDGEBOOK_HTTP", value: "[::]:8080" }],
              volumeMounts: [SCRATCH_MOUNT, { name: "lake", mountPath: "/lake" }],
              resources: bounds("1", "2Gi", "2"),
              ...probes(60),
            },
            mine,
          ),
          volumes: [SCRATCH, { name: "lake", persistentVolumeClaim: { claimName: "lake" } }],
        },
      },
    },
  };
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

export function lakeClaim(): Fields {
  const { metadata, spec } = claim("lake", "ReadWriteMany", "2Ti");
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { ...metadata, namespace: NAMESPACE, labels: labels("ingest") },
    spec,
  };
}

function podSpec(container: Fields, mine: Record<string, string>): Record<string, unknown> {
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
        ports: [{ name: "http", containerPort: 8080 }],
        securityContext: CONTAINER_SECURITY,
        ...container,
      },
    ],
    volumes: [SCRATCH],
  };
}

function podName(): Fields {
  return { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } };
}

function claim(name: string, mode: string, storage: string) {
  return {
    metadata: { name },
    spec: { accessModes: [mode], resources: { requests: { storage } } },
  };
}
