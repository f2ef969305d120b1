/**
 * Edge: brokers for live tests, each on a loopback port of its own: the one inside `edgebook book`,
 * and Mosquitto as Debian packages it, with nothing set but where it listens.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type BrokerName = "aedes" | "mosquitto";

export interface Mosquitto {
  /** `127.0.0.1:41883`. */
  readonly address: string;
  readonly pid: number;
  /** Ends it by its process id. */
  stop(): Promise<void>;
}

const START_MS = 10_000;

/** Where the program is; null where it is not installed. */
export function mosquittoProgram(): string | null {
  const usual = "/usr/sbin/mosquitto";
  return Bun.which("mosquitto") ?? (existsSync(usual) ? usual : null);
}

/** A TCP port that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** A multicast group and port that no other test of this host is likely to use. */
export function freeGroup(): string {
  const octet = () => 1 + Math.floor(Math.random() * 254);
  return `239.192.${octet()}.${octet()}:${20_000 + Math.floor(Math.random() * 10_000)}`;
}

export async function startMosquitto(): Promise<Mosquitto> {
  return startMosquittoWith(await freePort(), "allow_anonymous true\n");
}

/** @param lines of its config, of the one listener at `port` */
export async function startMosquittoWith(port: number, lines: string): Promise<Mosquitto> {
  const program = mosquittoProgram();
  if (program === null) throw new Error("mosquitto is not installed");
  const folder = mkdtempSync(join(tmpdir(), "edgebook-mosquitto-"));
  const config = join(folder, "mosquitto.conf");
  // It would change to a user of its own, who may not read the files of a test.
  const head = `user root\nlog_dest stderr\nlistener ${port} 127.0.0.1\n`;
  writeFileSync(config, head + lines);
  const child = Bun.spawn([program, "-c", config], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const said = new Response(child.stderr).text();
  const stop = async () => {
    child.kill("SIGTERM");
    await child.exited;
    rmSync(folder, { recursive: true, force: true });
  };
  for (const end = performance.now() + START_MS; !(await listens(port)); await Bun.sleep(20)) {
    if (child.exitCode === null && performance.now() < end) continue;
    await stop();
    throw new Error(`mosquitto did not start: ${await said}`);
  }
  return { address: `127.0.0.1:${port}`, pid: child.pid, stop };
}

/** Somebody takes connections there. */
function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
