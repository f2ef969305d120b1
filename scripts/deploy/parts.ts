/** What every pod of edgebook has in common: who it runs as, what it may not do, its names. */
import packageFile from "../../package.json" with { type: "json" };

export const NAMESPACE = "edgebook";
/** Collectors need the host's network, which the centre's namespace forbids. */
export const EDGE_NAMESPACE = "edgebook-edge";
export const IMAGE = `edgebook:${packageFile.version}`;
export const KAFKA = "kafka:9092";

const NOBODY = 65532;

export type Fields = Readonly<Record<string, unknown>>;

export function labels(part: string, segment?: string): Record<string, string> {
  return {
    "app.kubernetes.io/name": "edgebook",
    "app.kubernetes.io/component": part,
    ...(segment === undefined ? {} : { "edgebook.io/segment": segment }),
  };
}

/** Holds for every process of a pod: nobody, no privilege, the runtime's own list of system calls. */
export const POD_SECURITY: Fields = {
  runAsNonRoot: true,
  runAsUser: NOBODY,
  runAsGroup: NOBODY,
  fsGroup: NOBODY,
  fsGroupChangePolicy: "OnRootMismatch",
  seccompProfile: { type: "RuntimeDefault" },
};

export const CONTAINER_SECURITY: Fields = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};

/** `/tmp` is the only place that can be written besides volumes. */
export const SCRATCH = { name: "tmp", emptyDir: { sizeLimit: "64Mi" } };
export const SCRATCH_MOUNT = { name: "tmp", mountPath: "/tmp" };

/**
 * A process is replaced when it does not even answer, and gets no traffic until it is ready. It has
 * `startSeconds` to read its checkpoint before either is asked.
 */
export function probes(startSeconds: number): Fields {
  const get = (path: string) => ({ httpGet: { path, port: "http" } });
  return {
    startupProbe: { ...get("/ping"), periodSeconds: 2, failureThreshold: startSeconds / 2 },
    livenessProbe: { ...get("/ping"), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    readinessProbe: { ...get("/ready"), periodSeconds: 5, timeoutSeconds: 2, failureThreshold: 2 },
  };
}

/** Memory is what it may take and no more; CPU is promised, and what is idle may be had on top. */
export function bounds(cpu: string, memory: string, cpuLimit: string): Fields {
  return { requests: { cpu, memory }, limits: { cpu: cpuLimit, memory } };
}
