/** What the manifests say of one workload, as the numbers that its day is worked out from. */
import { readFileSync } from "node:fs";

export interface Policy {
  readonly type: "Pods" | "Percent";
  readonly value: number;
  readonly periodSeconds: number;
}

export interface ScaleRules {
  readonly stabilizationWindowSeconds: number;
  readonly policies: readonly Policy[];
}

export interface WorkloadNumbers {
  readonly name: string;
  /** KEDA's: how often it looks whether there should be any, and how long it waits to take all away. */
  readonly pollingSeconds: number;
  readonly cooldownSeconds: number;
  readonly replicasMax: number;
  /** Seconds since midnight at the exchange. */
  readonly calendar: { readonly from: number; readonly until: number; readonly replicas: number };
  /** Absent: the calendar alone decides. */
  readonly lag?: { readonly recordsPerReplica: number; readonly activationRecords: number };
  readonly up: ScaleRules;
  readonly down: ScaleRules;
  readonly messagesPerSecond: number;
  readonly messagesPerRecord: number;
  readonly startSeconds: number;
}

/** What Kubernetes does where a manifest says nothing. */
const DEFAULT_UP: ScaleRules = {
  stabilizationWindowSeconds: 0,
  policies: [
    { type: "Percent", value: 100, periodSeconds: 15 },
    { type: "Pods", value: 4, periodSeconds: 15 },
  ],
};
const DEFAULT_DOWN: ScaleRules = {
  stabilizationWindowSeconds: 300,
  policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
};

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly template?: { readonly metadata: { readonly annotations: Record<string, string> } };
    readonly pollingInterval?: number;
    readonly cooldownPeriod?: number;
    readonly maxReplicaCount?: number;
    readonly triggers?: readonly {
      readonly type: string;
      readonly metadata: Record<string, string>;
    }[];
    readonly advanced?: {
      readonly horizontalPodAutoscalerConfig: {
        readonly behavior: { readonly scaleUp: ScaleRules; readonly scaleDown: ScaleRules };
      };
    };
  };
}

/**
 * @param path of a segment's manifest
 * @param name of a workload in it: `ingest-fo`
 * @throws Error where the manifest does not say what is needed
 */
export function numbersOf(path: string, name: string): WorkloadNumbers {
  const documents = Bun.YAML.parse(readFileSync(path, "utf8")) as readonly Manifest[];
  const named = documents.filter(({ metadata }) => metadata.name === name);
  const scaling = named.find(({ kind }) => kind === "ScaledObject")?.spec;
  const notes = named.find(({ spec }) => spec.template)?.spec.template?.metadata.annotations;
  const trigger = (type: string) => scaling?.triggers?.find((each) => each.type === type)?.metadata;
  const cron = trigger("cron");
  if (scaling === undefined || notes === undefined || cron === undefined) {
    throw new Error(`${path} has no workload '${name}' with a calendar.`);
  }
  const kafka = trigger("kafka");
  const behavior = scaling.advanced?.horizontalPodAutoscalerConfig.behavior;
  return {
    name,
    pollingSeconds: scaling.pollingInterval ?? 30,
    cooldownSeconds: scaling.cooldownPeriod ?? 300,
    replicasMax: scaling.maxReplicaCount ?? 100,
    calendar: {
      from: secondOfDay(cron.start),
      until: secondOfDay(cron.end),
      replicas: Number(cron.desiredReplicas),
    },
    ...(kafka && {
      lag: {
        recordsPerReplica: Number(kafka.lagThreshold),
        activationRecords: Number(kafka.activationLagThreshold ?? 0),
      },
    }),
    up: behavior?.scaleUp ?? DEFAULT_UP,
    down: behavior?.scaleDown ?? DEFAULT_DOWN,
    messagesPerSecond: Number(notes["edgebook.io/messages-per-second"]),
    messagesPerRecord: Number(notes["edgebook.io/messages-per-record"] ?? 1),
    startSeconds: Number(notes["edgebook.io/start-seconds"]),
  };
}

/** Of a cron line with one minute and one hour. */
function secondOfDay(cron: string): number {
  const [minute, hour] = cron.split(" ").map(Number);
  return hour * 3600 + minute * 60;
}
