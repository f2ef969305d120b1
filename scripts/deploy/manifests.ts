/** Every manifest by the name of its file in `deploy/kubernetes/`, as text. */
import { COLLECTORS, namespace } from "./collector.ts";
import { EDGE_NAMESPACE, type Fields, NAMESPACE } from "./parts.ts";
import { bookScaling, ingestScaling } from "./scaling.ts";
import { SEGMENTS } from "./segments.ts";
import {
  bookService,
  bookSet,
  disruptionBudget,
  ingestDeployment,
  sharedClaim,
} from "./workloads.ts";

export function manifests(): Map<string, string> {
  const files = new Map<string, string>();
  const restricted = namespace(NAMESPACE, "restricted");
  files.set(
    "centre.yaml",
    yaml("The centre's namespace, its lake and its checkpoints.", [
      restricted,
      sharedClaim("lake", "2Ti"),
      sharedClaim("state", "100Gi"),
    ]),
  );
  for (const segment of SEGMENTS) {
    const title = `${segment.feed}, ${segment.title}.`;
    files.set(
      `segment-${segment.id}.yaml`,
      yaml(title, [
        bookSet(segment),
        bookService(segment),
        disruptionBudget("book", segment),
        bookScaling(segment),
        ingestDeployment(segment),
        disruptionBudget("ingest", segment),
        ingestScaling(segment),
      ]),
    );
  }
  const open = namespace(EDGE_NAMESPACE, "privileged");
  files.set("edge.yaml", yaml("Collectors on the capture hosts.", [open, COLLECTORS]));
  const resources = [...files.keys()];
  const kustomization = {
    apiVersion: "kustomize.config.k8s.io/v1beta1",
    kind: "Kustomization",
    resources,
  };
  files.set("kustomization.yaml", yaml("kubectl apply -k deploy/kubernetes", [kustomization]));
  return files;
}

/** Through JSON, so that what two places share is written out in both and not as an alias. */
function yaml(title: string, documents: readonly Fields[]): string {
  const head = `# ${title}\n# Written by scripts/deploy/write.ts: change its tables, not this file.\n`;
  const text = (each: Fields) => Bun.YAML.stringify(JSON.parse(JSON.stringify(each)), null, 2);
  return head + documents.map((each) => `---\n${text(each)}\n`).join("");
}
