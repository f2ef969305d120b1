/**
 * Edge: the demo's collector: `edgebook collect` as a process of its own, as it runs on a capture
 * host. It is not in the terminal's process group, so that Ctrl-C reaches it once, in its turn.
 */
import { CliError } from "./errors.ts";

export interface DemoCollectorOptions {
  /** What follows `edgebook collect`. */
  readonly flags: readonly string[];
  /** Told of each line it writes that is a complaint. */
  readonly onLine: (line: string) => void;
}

/** It says this as soon as it listens. */
const LISTENING = /collecting \d+ groups/;
const START_MS = 15_000;
const END_MS = 8_000;

export class DemoCollector {
  /** Resolves when it has ended, by itself or because it was told to. */
  readonly exited: Promise<number>;
  private readonly child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  private readonly onLine: (line: string) => void;
  private lastLine = "";

  constructor({ flags, onLine }: DemoCollectorOptions) {
    this.onLine = onLine;
    this.child = Bun.spawn([...ownCommand(), "collect", ...flags], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      detached: true,
    });
    this.exited = this.child.exited;
  }

  /** @throws CliError it ended or said nothing in time, with its own last words */
  async listening(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<"listening">();
    void this.read(() => resolve("listening"));
    const first = await Promise.race([
      promise,
      this.exited.then(() => "ended" as const),
      Bun.sleep(START_MS).then(() => "silent" as const),
    ]);
    if (first === "listening") return;
    this.child.kill("SIGKILL");
    throw new CliError(
      "unexpected",
      `The demo's collector does not run: ${this.lastLine || first}`,
      "Run 'edgebook collect --check' with the interface of --interface.",
    );
  }

  /** Lets it send what is still open, then waits for its end. */
  async stop(): Promise<void> {
    this.child.kill("SIGTERM");
    const ended = await Promise.race([this.exited, Bun.sleep(END_MS).then(() => undefined)]);
    if (ended === undefined) this.child.kill("SIGKILL");
    await this.exited;
  }

  private async read(onListening: () => void): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const bytes of this.child.stderr) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line !== "") this.lastLine = line;
        if (LISTENING.test(line)) onListening();
        else if (line !== "") this.onLine(line);
      }
    }
  }
}

/** How this very edgebook was started: from a checkout, or as a compiled binary. */
function ownCommand(): string[] {
  const script = Bun.main;
  // A compiled binary carries its script inside; there is nothing to name.
  if (script.startsWith("/$bunfs/") || script.includes("~BUN")) return [process.execPath];
  return [process.execPath, "--no-orphans", new URL("./main.ts", import.meta.url).pathname];
}
