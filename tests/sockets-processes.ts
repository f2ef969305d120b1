/**
 * Edge: the processes of a run over real sockets, each of which may be killed as `kill -9` does and
 * is started again at once with the same words. Each ends by its own process id.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MAIN } from "./cli-run.ts";
import { mosquittoProgram } from "./live-mqtt-broker.ts";

/** No run lasts longer; a process that outlives its run is ended all the same. */
const LIFE_MS = 180_000;
const SAY_MS = 60_000;
/** Of what a process said, kept for a complaint. */
const SAID_CHARS = 4000;

/** A program that can be started again and again. */
export class Restartable {
  readonly name: string;
  kills = 0;
  private readonly words: readonly string[];
  private child: Bun.Subprocess<"ignore", "ignore", "pipe"> | undefined;
  private said = "";

  constructor(name: string, words: readonly string[]) {
    this.name = name;
    this.words = words;
  }

  start(): void {
    this.said += `--- ${this.name} starts\n`;
    const child = Bun.spawn([...this.words], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      timeout: LIFE_MS,
      killSignal: "SIGKILL",
    });
    this.child = child;
    void this.listen(child);
  }

  /** `kill -9`, and the next life at once. */
  async killAndStart(): Promise<void> {
    const { child } = this;
    // Who ended by itself would hide behind the kill.
    if (child === undefined || child.exitCode !== null)
      throw new Error(this.complaint("had ended"));
    child.kill("SIGKILL");
    await child.exited;
    this.kills++;
    this.start();
  }

  /** @throws if it ends before it says so, or says nothing for too long */
  async says(text: string): Promise<void> {
    for (const end = performance.now() + SAY_MS; !this.said.includes(text); await Bun.sleep(10)) {
      const { child } = this;
      if (child?.exitCode !== null || performance.now() > end) {
        throw new Error(this.complaint(`never said '${text}'`));
      }
    }
  }

  /** True while it runs. */
  get isUp(): boolean {
    return this.child !== undefined && this.child.exitCode === null && !this.child.killed;
  }

  /** Ends it as Ctrl-C does; a program that does not listen is killed. */
  async stop(): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null) return;
    child.kill("SIGINT");
    const ended = await Promise.race([child.exited, Bun.sleep(10_000).then(() => undefined)]);
    if (ended === undefined) child.kill("SIGKILL");
    await child.exited;
  }

  complaint(what: string): string {
    return `${this.name} ${what}; it said: ${this.said}`;
  }

  /** The end of what all its lives said. */
  get lastWords(): string {
    return this.said;
  }

  private async listen(child: Bun.Subprocess<"ignore", "ignore", "pipe">): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of child.stderr) {
      this.said = (this.said + decoder.decode(bytes, { stream: true })).slice(-SAID_CHARS);
    }
  }
}

/** A command of edgebook. */
export function edgebookProcess(name: string, ...words: string[]): Restartable {
  return new Restartable(name, [process.execPath, MAIN, ...words]);
}

/** Mosquitto with nothing set but where it listens: it keeps nothing on disk. */
export function mosquittoProcess(port: number, folder: string): Restartable {
  const program = mosquittoProgram();
  if (program === null) throw new Error("mosquitto is not installed");
  const config = join(folder, "mosquitto.conf");
  writeFileSync(config, `listener ${port} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\n`);
  return new Restartable("mosquitto", [program, "-c", config]);
}

/** A folder for one run. */
export function scratchFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "edgebook-sockets-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
