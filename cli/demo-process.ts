/**
 * Edge: a part of the demo that is a process of its own, as it is in production: the collector, the
 * history server. It is not in the terminal's process group, so that Ctrl-C reaches it in its turn.
 */
import { CliError } from "./errors.ts";

export interface DemoProcessOptions {
  /** As complaints name it: `collector`. */
  readonly name: string;
  /** What follows `edgebook`. */
  readonly words: readonly string[];
  /** It says this as soon as it is there. */
  readonly listening: RegExp;
  /** Told of each line it writes that is a complaint. */
  readonly onLine: (line: string) => void;
}

/** Where it answers over HTTP, in its own words. */
const ADDRESS = /^edgebook: (?:status|history) at (http:\/\/[^/\s]+)/;
const START_MS = 15_000;
const END_MS = 8_000;

export class DemoProcess {
  /** Resolves when it has ended, by itself or because it was told to. */
  readonly exited: Promise<number>;
  private readonly child: Bun.Subprocess<"ignore", "ignore", "pipe">;
  /** Where it answers over HTTP; undefined until it does. */
  url: string | undefined;
  private readonly options: DemoProcessOptions;
  private lastLine = "";

  constructor(options: DemoProcessOptions) {
    this.options = options;
    this.child = Bun.spawn([...ownCommand(), ...options.words], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      detached: true,
      env: { ...process.env, EDGEBOOK_LOG: "text" },
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
      `The demo's ${this.options.name} does not run: ${this.lastLine || first}`,
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
        const address = ADDRESS.exec(line)?.[1];
        if (address !== undefined) this.url = address;
        if (this.options.listening.test(line)) onListening();
        else if (line !== "" && address === undefined) this.options.onLine(line);
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
