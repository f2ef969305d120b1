/**
 * The image, the compose file and the manifests: by schema, and by what edgebook says of itself.
 * No cluster and no container engine is needed.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { COMMANDS } from "../cli/commands.ts";
import { checkArguments, parseFlags, variableOf } from "../cli/flags.ts";
import { parseCollectorConfig } from "../collector/config.ts";
import packageFile from "../package.json" with { type: "json" };
import { manifests } from "../scripts/deploy/manifests.ts";
import { SEGMENTS } from "../scripts/deploy/segments.ts";
import { pythonWithPackages } from "./python.ts";

const house = join(import.meta.dir, "..");
const deploy = join(house, "deploy");
const folder = join(deploy, "kubernetes");

interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext: Record<string, unknown>;
  readonly resources: { readonly requests: object; readonly limits: object };
  readonly startupProbe?: object;
  readonly livenessProbe?: { readonly httpGet: { readonly path: string } };
  readonly readinessProbe?: { readonly httpGet: { readonly path: string } };
}
interface PodSpec {
  readonly securityContext: Record<string, unknown>;
  readonly containers: readonly Container[];
  readonly hostNetwork?: boolean;
}
interface Document {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: Record<string, unknown> & {
    readonly replicas?: number;
    readonly template?: { readonly spec: PodSpec };
  };
}

const documents = readdirSync(folder).flatMap(
  (name) => [Bun.YAML.parse(readFileSync(join(folder, name), "utf8"))].flat() as Document[],
);
const workloads = documents.filter(({ spec }) => spec?.template !== undefined);
const composed = readdirSync(deploy).filter((name) => /^compose.*\.yaml$/.test(name));
const compose = Bun.YAML.parse(readFileSync(join(deploy, "compose.yaml"), "utf8")) as {
  readonly services: Record<
    string,
    { image: string; command?: string[]; ports?: string[]; volumes?: string[] }
  >;
};

let python: string | undefined;
beforeAll(() => {
  python = pythonWithPackages();
}, 300_000);

describe("manifests", () => {
  test("are what their tables say", () => {
    const written = new Map(
      readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]),
    );
    expect(written).toEqual(manifests());
  });

  test("keep to the schemas of Kubernetes, KEDA and compose", () => {
    if (python === undefined) return;
    const script = join(house, "tests/manifest-check.py");
    const schema = join(house, "tests/schemas/keda-scaledobject.json");
    const { stdout, stderr } = Bun.spawnSync([python, script, folder, schema]);
    expect(stdout.toString() + stderr.toString()).toBe(
      `${documents.length + composed.length} documents, 0 wrong\n`,
    );
  }, 60_000);

  test("start commands with flags that there are", async () => {
    const lines = workloads.flatMap(({ spec }) => spec.template?.spec.containers ?? []);
    const services = Object.values(compose.services).filter(({ image }) =>
      image.startsWith("edgebook:"),
    );
    expect(lines.length).toBe(SEGMENTS.length * 2 + 1);
    for (const args of [
      ...lines.map(({ args }) => args),
      ...services.map((each) => each.command ?? []),
    ]) {
      await expectCommand(args);
    }
    for (const { args, env } of lines) {
      const known = (await commandOf(args)).command.flags.map(({ name }) => variableOf(name));
      for (const { name } of env ?? []) {
        if (!name.startsWith("EDGEBOOK_")) continue;
        expect(known).toContain(name);
      }
    }
  });

  test("let no process be root, gain rights, or write its own file system", () => {
    expect(workloads.length).toBeGreaterThan(SEGMENTS.length);
    for (const { spec } of workloads) {
      const pod = spec.template?.spec;
      expect(pod?.securityContext).toMatchObject({ runAsNonRoot: true });
      for (const each of pod?.containers ?? []) {
        expect(each.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
    }
  });

  test("bound every process and ask whether it lives and is ready", () => {
    for (const { spec } of workloads) {
      for (const each of spec.template?.spec.containers ?? []) {
        expect(each.resources.requests).toHaveProperty("memory");
        expect(each.resources.limits).toHaveProperty("memory");
        // Nobody asks an ingest worker: what it commits is seen in the lag of its group.
        if (each.name === "ingest") continue;
        expect(each.livenessProbe?.httpGet.path).toBe("/ping");
        expect(each.readinessProbe?.httpGet.path).toBe("/ready");
        expect(each.startupProbe).toBeDefined();
      }
    }
  });

  test("leave the number of replicas to the calendar, and have a budget for each", () => {
    const names = (kind: string) =>
      documents.filter((each) => each.kind === kind).map(({ metadata }) => metadata.name);
    const scaled = workloads.filter(({ kind }) => kind !== "DaemonSet");
    expect(scaled.every(({ spec }) => spec.replicas === undefined)).toBe(true);
    expect(names("ScaledObject").sort()).toEqual(
      scaled.map(({ metadata }) => metadata.name).sort(),
    );
    expect(names("PodDisruptionBudget").sort()).toEqual(names("ScaledObject").sort());
  });

  test("share partitions among no more members than there are", () => {
    for (const each of SEGMENTS) {
      expect(each.bookReplicas).toBeLessThanOrEqual(each.framePartitions);
      expect(each.ingestAtMost).toBeLessThanOrEqual(each.eventPartitions);
    }
  });

  test("name no address but loopback and what DNS knows", () => {
    const files = [
      ...readdirSync(folder).map((name) => join(folder, name)),
      join(deploy, "compose.yaml"),
    ];
    for (const file of files) {
      const addresses = readFileSync(file, "utf8").match(/\b\d+\.\d+\.\d+\.\d+\b/g) ?? [];
      expect(addresses.filter((each) => each !== "127.0.0.1")).toEqual([]);
    }
  });
});

describe("the compose file", () => {
  test("publishes on loopback only, and mounts files that are there", () => {
    for (const { ports = [], volumes = [] } of Object.values(compose.services)) {
      for (const [, file] of volumes.join("\n").matchAll(/^\.\/([^:]+):/gm)) {
        expect([file, existsSync(join(deploy, file))]).toEqual([file, true]);
      }
      for (const port of ports) expect(port).toStartWith("127.0.0.1:");
    }
    const settings = join(deploy, "collector.sim.toml");
    const config = parseCollectorConfig(
      readFileSync(settings, "utf8"),
      settings,
      packageFile.version,
    );
    expect(config.join).toHaveLength(6);
    expect(Object.values(compose.services).map(({ image }) => image)).toContain(
      `edgebook:${packageFile.version}`,
    );
  });
});

describe("the image", () => {
  const dockerfile = readFileSync(join(deploy, "Dockerfile"), "utf8");

  test("passes hadolint", () => {
    if (python === undefined) return;
    const linter = join(python, "../hadolint");
    const { stdout, exitCode } = Bun.spawnSync([linter, join(deploy, "Dockerfile")]);
    expect([stdout.toString(), exitCode]).toEqual(["", 0]);
  });

  test("has the Bun of package.json, starts without a shell, as nobody", () => {
    expect(dockerfile).toContain(`FROM oven/bun:${packageFile.dependencies.bun}-distroless`);
    expect(dockerfile).toMatch(
      /^ENTRYPOINT \["\/usr\/local\/bin\/bun", "\/app\/cli\/main\.ts"\]$/m,
    );
    expect(dockerfile).toMatch(/^USER 65532:65532$/m);
  });

  test("keeps every file and package that a command imports", () => {
    const ignored = readFileSync(join(deploy, "Dockerfile.dockerignore"), "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((pattern) => new Bun.Glob(`{${pattern},${pattern}/**}`));
    const { files, packages } = reachedFrom("cli/main.ts");
    expect(files.size).toBeGreaterThan(200);
    expect([...files].filter((path) => ignored.some((glob) => glob.match(path)))).toEqual([]);
    const known = { ...packageFile.dependencies, ...packageFile.optionalDependencies };
    expect([...packages].filter((name) => !(name in known))).toEqual([]);
  });
});

async function commandOf(args: readonly string[]) {
  const loaded = await COMMANDS[args[0]].load();
  const part = loaded.subcommands?.[args[1]];
  return part === undefined
    ? { command: loaded.command, rest: args.slice(1) }
    : { command: (await part.load()).command, rest: args.slice(2) };
}

async function expectCommand(line: readonly string[]): Promise<void> {
  const { command, rest } = await commandOf(line);
  const { args } = parseFlags(rest, command.flags, {});
  checkArguments(args, command.args);
}

/** Follows imports, workers and lazily loaded commands through the sources. */
function reachedFrom(entry: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const waiting = [entry];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (files.has(path) || !existsSync(join(house, path))) continue;
    files.add(path);
    if (!/\.tsx?$/.test(path)) continue;
    const text = readFileSync(join(house, path), "utf8");
    const loader = path.endsWith("x") ? "tsx" : "ts";
    const found = new Bun.Transpiler({ loader }).scanImports(text);
    for (const { path: target } of found) follow(path, target);
    for (const [, target] of text.matchAll(/new URL\(\s*["'](\.[^"']+)["']/g)) follow(path, target);
  }
  return { files, packages };

  function follow(from: string, target: string): void {
    if (target.startsWith(".")) waiting.push(join(from, "..", target));
    else if (!/^(node:|bun:|bun$)/.test(target)) {
      packages.add(
        target
          .split("/")
          .slice(0, target.startsWith("@") ? 2 : 1)
          .join("/"),
      );
    }
  }
}
