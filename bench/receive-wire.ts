/**
 * Edge: a wire of our own for receive tests: two network namespaces with a veth pair between them.
 * Datagrams cross one by one, as from another host: nothing sent as one arrives as one.
 */

export const SEND_INTERFACE = "ebsend";
export const RECEIVE_INTERFACE = "ebrecv";
/** Addresses of documentation: nobody else can be reached from in here. */
export const RECEIVE_ADDRESS = "192.0.2.2";
const SEND_ADDRESS = "192.0.2.1";
const UP_MS = 10_000;

/** Why there can be no wire here; undefined if there can. */
export function wireObstacle(): string | undefined {
  if (process.platform !== "linux") return "not Linux";
  if (Bun.which("ip") === null || Bun.which("taskset") === null) return "no ip or taskset";
  const name = `ebtry-${process.pid}`;
  if (!ip("netns", "add", name)) return "no right to make network namespaces";
  ip("netns", "del", name);
  return undefined;
}

export class ReceiveWire {
  private readonly sender = `ebsend-${process.pid}`;
  private readonly receiver = `ebrecv-${process.pid}`;

  constructor() {
    const { sender, receiver } = this;
    try {
      for (const name of [sender, receiver]) must("netns", "add", name);
      const far = ["type", "veth", "peer", "name", RECEIVE_INTERFACE, "netns", receiver];
      must("link", "add", SEND_INTERFACE, "netns", sender, ...far);
      must("-n", sender, "addr", "add", `${SEND_ADDRESS}/30`, "dev", SEND_INTERFACE);
      must("-n", receiver, "addr", "add", `${RECEIVE_ADDRESS}/30`, "dev", RECEIVE_INTERFACE);
      must("-n", sender, "link", "set", SEND_INTERFACE, "gso_max_segs", "1", "up");
      must("-n", receiver, "link", "set", RECEIVE_INTERFACE, "up");
      must("-n", receiver, "link", "set", "lo", "up");
      must("-n", sender, "route", "add", "239.0.0.0/8", "dev", SEND_INTERFACE);
      awaitCarrier(receiver, RECEIVE_INTERFACE);
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** The words to put before a command, to run it on the sender's core and side. */
  get onSender(): string[] {
    return ["ip", "netns", "exec", this.sender, "taskset", "-c", "1"];
  }

  get onReceiver(): string[] {
    return ["ip", "netns", "exec", this.receiver, "taskset", "-c", "0"];
  }

  /** The pair of interfaces goes with its namespaces. */
  remove(): void {
    for (const name of [this.sender, this.receiver]) ip("netns", "del", name);
  }
}

/** A pair is up some time after it was told to; until then programs do not see its address. */
function awaitCarrier(namespace: string, name: string): void {
  for (const endMs = performance.now() + UP_MS; performance.now() < endMs; Bun.sleepSync(20)) {
    const told = Bun.spawnSync(["ip", "-n", namespace, "link", "show", "dev", name]);
    if (told.stdout.includes("state UP")) return;
  }
  throw new Error(`${name} does not come up`);
}

function ip(...words: string[]): boolean {
  return Bun.spawnSync(["ip", ...words], { stdout: "ignore", stderr: "ignore" }).success;
}

function must(...words: string[]): void {
  const done = Bun.spawnSync(["ip", ...words], { stdout: "ignore", stderr: "pipe" });
  if (!done.success) throw new Error(`ip ${words.join(" ")}: ${done.stderr.toString().trim()}`);
}
