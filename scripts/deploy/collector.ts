/**
 * Collectors: one on every capture host, on that host's own network, since multicast does not reach
 * a pod's. By sockets: the packet ring needs a capability, and Kubernetes gives none to a process
 * that is not root. Where the ring is wanted the systemd unit is the way (`deploy/README.md`).
 */
import {
  bounds,
  CONTAINER_SECURITY,
  EDGE_NAMESPACE,
  type Fields,
  IMAGE,
  labels,
  POD_SECURITY,
  probes,
  SCRATCH,
  SCRATCH_MOUNT,
} from "./parts.ts";

const mine = labels("collect");

export const COLLECTORS: Fields = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "collect", namespace: EDGE_NAMESPACE, labels: mine },
  spec: {
    selector: { matchLabels: mine },
    // By hand, host by host, and never in session.
    updateStrategy: { type: "OnDelete" },
    template: {
      metadata: { labels: mine },
      spec: {
        automountServiceAccountToken: false,
        hostNetwork: true,
        dnsPolicy: "ClusterFirstWithHostNet",
        nodeSelector: { "edgebook.io/capture": "true" },
        tolerations: [{ key: "edgebook.io/capture", operator: "Exists" }],
        priorityClassName: "system-node-critical",
        securityContext: POD_SECURITY,
        terminationGracePeriodSeconds: 30,
        containers: [
          {
            name: "collect",
            image: IMAGE,
            imagePullPolicy: "IfNotPresent",
            args: [
              ...["collect", "--config", "/etc/edgebook/collector.toml", "--capture", "socket"],
              ...["--name", "$(NODE_NAME)", "--spool", "/spool", "--http", "127.0.0.1:8081"],
            ],
            env: [{ name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
            ports: [{ name: "http", containerPort: 8081, hostIP: "127.0.0.1" }],
            securityContext: CONTAINER_SECURITY,
            volumeMounts: [
              SCRATCH_MOUNT,
              { name: "settings", mountPath: "/etc/edgebook", readOnly: true },
              { name: "spool", mountPath: "/spool" },
            ],
            resources: bounds("2", "4Gi", "4"),
            ...onLoopback(probes(60)),
          },
        ],
        volumes: [
          SCRATCH,
          // Interface, groups and spool differ from host to host: they are the host's own files.
          { name: "settings", hostPath: { path: "/etc/edgebook", type: "Directory" } },
          { name: "spool", hostPath: { path: "/var/lib/edgebook/spool", type: "Directory" } },
        ],
      },
    },
  },
};

/** The kubelet is on the same network: nothing has to listen beyond loopback to be asked by it. */
function onLoopback(probes: Fields): Fields {
  const entries = Object.entries(probes as Record<string, { httpGet: Fields }>);
  return Object.fromEntries(
    entries.map(([name, probe]) => [
      name,
      { ...probe, httpGet: { host: "127.0.0.1", ...probe.httpGet } },
    ]),
  );
}

/** @param level of Kubernetes' pod security standards */
export function namespace(name: string, level: "restricted" | "privileged"): Fields {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name,
      labels: {
        "app.kubernetes.io/name": "edgebook",
        "pod-security.kubernetes.io/enforce": level,
      },
    },
  };
}
