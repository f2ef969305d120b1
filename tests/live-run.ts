/** Edge: runs `edgebook` as a person would, and keeps what it says. */
import { join } from "node:path";

const house = join(import.meta.dir, "..");
const EDGEBOOK = join(house, "bin/edgebook");

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  /** Resolves when standard error holds the text; rejects when the process ends before, or after a minute. */
  says(text: string): Promise<void>;
  /** As `says`, for a pattern; what its first group holds. */
  hears(pattern: RegExp): Promise<string>;
  readonly pid: number;
  /** Sends SIGINT and waits for the end. */
  interrupt(): Promise<Ended>;
  ended(): Promise<Ended>;
}

const SAY_MS = 60_000;

const LIFE_MS = 90_000;

export const start = (...words: string[]): Running => startFor(LIFE_MS, ...words);

/** @param lifeMs a process that outlives its test is ended all the same */
export function startFor(lifeMs: number, ...words: string[]): Running {
  const child = Bun.spawn([EDGEBOOK, ...words], {
    cwd: house,
    // As on a terminal: tests read it as people do.
    env: { ...process.env, EDGEBOOK_LOG: process.env.EDGEBOOK_LOG ?? "text" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: lifeMs,
  });
  let err = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const piece of child.stderr) err += decoder.decode(piece, { stream: true });
  })();
  const out = new Response(child.stdout).text();
  const ended = async (): Promise<Ended> => {
    const code = await child.exited;
    await reading;
    return { code, out: await out, err };
  };
  const until = async (isThere: () => boolean, what: string) => {
    for (const end = performance.now() + SAY_MS; !isThere(); await Bun.sleep(10)) {
      if (child.exitCode !== null || performance.now() > end) {
        throw new Error(`edgebook ${words.join(" ")} did not say '${what}', but: ${err}`);
      }
    }
  };
  return {
    pid: child.pid,
    ended,
    says: (text) => until(() => err.includes(text), text),
    async hears(pattern) {
      await until(() => pattern.test(err), String(pattern));
      return pattern.exec(err)?.[1] ?? "";
    },
    async interrupt() {
      child.kill("SIGINT");
      return ended();
    },
  };
}

export const run = (...words: string[]): Promise<Ended> => start(...words).ended();

/** The JSON of the last line. */
export function lastJson(text: string): Record<string, unknown> {
  return JSON.parse(text.trimEnd().split("\n").at(-1) ?? "") as Record<string, unknown>;
}
