/**
 * Edge: a real Apache Kafka on this machine, one node in KRaft mode on loopback, for tests, proofs and
 * `npm run kafka`. Its jars come from Maven Central once and stay in the user's cache folder; Java and
 * Maven are installed where they are missing and this process may (Debian, as root).
 *
 * `EDGEBOOK_KAFKA_BROKERS` names a cluster that is there already: then none is started.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

const JARS_WANTED = 40;
const START_MS = 60_000;
const STOP_MS = 15_000;
const VERSION = "4.1.0";

export interface KafkaBroker {
  /** `127.0.0.1:PORT`, or what `EDGEBOOK_KAFKA_BROKERS` says. */
  readonly brokers: string;
  /** The broker's process; undefined where it is somebody else's. */
  readonly pid: number | undefined;
  /** SIGKILL, as a power cut. */
  kill(): Promise<void>;
  /** Starts it again on the same port and the same files. */
  restart(): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/** Says why in `message` and what to do in `hint`. */
export class KafkaMissing extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.name = "KafkaMissing";
    this.hint = hint;
  }
}

/**
 * @param heapMib of the broker's Java
 * @throws KafkaMissing where Java or Maven is not there and cannot be installed
 */
export async function startKafka(heapMib = 512): Promise<KafkaBroker> {
  const theirs = process.env.EDGEBOOK_KAFKA_BROKERS;
  if (theirs !== undefined && theirs !== "") return somebodyElses(theirs);
  const java = neededProgram("java", "openjdk-17-jre-headless");
  const classPath = `${jars()}/*`;
  const folder = mkdtempSync(join(tmpdir(), "edgebook-kafka-"));
  const [port, controllerPort] = [await freePort(), await freePort()];
  const settings = join(folder, "server.properties");
  writeFileSync(settings, settingsText(folder, port, controllerPort));
  const options = [`-Xmx${heapMib}m`, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
  const run = (main: string, ...words: string[]) =>
    Bun.spawn([java, ...options, "-cp", classPath, main, ...words], {
      cwd: folder,
      stdio: ["ignore", Bun.file(join(folder, "broker.log")), Bun.file(join(folder, "broker.err"))],
    });
  const cluster = "ZWRnZWJvb2stdGVzdC0wMQ";
  const formatted = run("kafka.tools.StorageTool", "format", "-t", cluster, "-c", settings);
  if ((await formatted.exited) !== 0) throw await broken(folder, "cannot lay out its files");

  const begin = () => {
    const begun = run("kafka.Kafka", settings);
    endWithUs(begun.pid, folder);
    return begun;
  };
  let child = begin();
  await listening(child, port, folder);
  return {
    brokers: `127.0.0.1:${port}`,
    get pid() {
      return child.pid;
    },
    async kill() {
      child.kill("SIGKILL");
      await child.exited;
    },
    async restart() {
      if (child.exitCode === null) {
        child.kill("SIGTERM");
        await ended(child);
      }
      child = begin();
      await listening(child, port, folder);
    },
    async stop() {
      // A stopped process takes no SIGTERM until it goes on.
      child.kill("SIGCONT");
      child.kill("SIGTERM");
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A test runner tells nobody when its last file is done, and one that is killed could not: a shell
 * looks once a second whether we are still there.
 */
function endWithUs(pid: number, folder: string): void {
  const watch =
    'while kill -0 "$1" && kill -0 "$2"; do sleep 1; done; ' +
    'kill -0 "$1" || { kill -9 "$2"; rm -rf "$3"; }';
  const words = ["sh", "-c", watch, "sh", String(process.pid), String(pid), folder];
  Bun.spawn(words, { stdio: ["ignore", "ignore", "ignore"] }).unref();
}

function settingsText(folder: string, port: number, controllerPort: number): string {
  return [
    "process.roles=broker,controller",
    "node.id=1",
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    "controller.listener.names=CONTROLLER",
    `log.dirs=${join(folder, "logs")}`,
    // One node holds every copy there is.
    "offsets.topic.replication.factor=1",
    "offsets.topic.num.partitions=4",
    "transaction.state.log.replication.factor=1",
    "transaction.state.log.min.isr=1",
    "transaction.state.log.num.partitions=4",
    "share.coordinator.state.topic.replication.factor=1",
    "share.coordinator.state.topic.min.isr=1",
    "group.initial.rebalance.delay.ms=0",
    "auto.create.topics.enable=false",
    "",
  ].join("\n");
}

/** Folder of the jars; brings them there the first time. */
function jars(): string {
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const folder = join(cache, "edgebook", `kafka-${VERSION}`);
  if (isWhole(folder)) return folder;
  const maven = neededProgram("mvn", "maven");
  mkdirSync(folder, { recursive: true });
  console.error(`edgebook: fetching Apache Kafka ${VERSION} (once)`);
  const pom = new URL("pom.xml", import.meta.url).pathname;
  const goal = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
  const fetched = Bun.spawnSync(
    [maven, "-B", "-q", "-f", pom, goal, `-DoutputDirectory=${folder}`, "-DincludeScope=runtime"],
    { timeout: 300_000 },
  );
  if (fetched.exitCode === 0 && isWhole(folder)) return folder;
  throw new KafkaMissing(
    `Maven could not bring Apache Kafka's jars: ${fetched.stdout.toString().trim().slice(-400)}`,
    "Is there a way to Maven Central? Or name a cluster with EDGEBOOK_KAFKA_BROKERS.",
  );
}

function isWhole(folder: string): boolean {
  if (!existsSync(folder)) return false;
  return readdirSync(folder).filter((name) => name.endsWith(".jar")).length >= JARS_WANTED;
}

/** A program by its name, installed from Debian's `packageName` where it is not there and we may. */
function neededProgram(name: string, packageName: string): string {
  const found = Bun.which(name);
  if (found !== null) return found;
  if (process.getuid?.() === 0 && Bun.which("apt-get") !== null) {
    console.error(`edgebook: installing ${packageName}`);
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    Bun.spawnSync(["apt-get", "update", "-qq"], { env, timeout: 120_000 });
    const install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", packageName];
    Bun.spawnSync(install, { env, timeout: 300_000 });
    const installed = Bun.which(name);
    if (installed !== null) return installed;
  }
  throw new KafkaMissing(
    `Apache Kafka needs '${name}', which is not there.`,
    `Install it (Debian: apt-get install ${packageName}), or name a cluster with EDGEBOOK_KAFKA_BROKERS.`,
  );
}

async function listening(child: Bun.Subprocess, port: number, folder: string): Promise<void> {
  for (const end = performance.now() + START_MS; performance.now() < end; await Bun.sleep(100)) {
    if (child.exitCode !== null) break;
    if (await answers(port)) return;
  }
  child.kill("SIGKILL");
  throw await broken(folder, "does not start");
}

async function broken(folder: string, what: string): Promise<Error> {
  const texts = ["broker.log", "broker.err"].map((name) => Bun.file(join(folder, name)).text());
  const said = (await Promise.all(texts)).join("\n").trim().split("\n").slice(-6).join("\n");
  return new Error(`Apache Kafka ${what}: ${said}`);
}

async function ended(child: Bun.Subprocess): Promise<void> {
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await child.exited;
  clearTimeout(timer);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const end = (isThere: boolean) => {
      socket.destroy();
      resolve(isThere);
    };
    socket.on("connect", () => end(true));
    socket.on("error", () => end(false));
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

function somebodyElses(brokers: string): KafkaBroker {
  const refuse = () => Promise.reject(new Error(`${brokers} is not ours to stop`));
  return { brokers, pid: undefined, kill: refuse, restart: refuse, stop: async () => {} };
}
