/** Edge: a line on standard error that says how far long work is; only where a person can see it. */
import { printErr } from "./output.ts";

const EVERY_MS = 250;
const CLEAR_LINE = "\r\u001b[K";

export class Progress {
  private readonly shown = process.stderr.isTTY === true;
  private nextMs = 0;

  /** @param of undefined where nobody knows (a pipe) */
  show(doneBytes: number, of: number | undefined): void {
    if (!this.shown || performance.now() < this.nextMs) return;
    this.nextMs = performance.now() + EVERY_MS;
    const share = of ? `${Math.floor((100 * doneBytes) / of)} %` : `${doneBytes >> 20} MiB`;
    printErr(`${CLEAR_LINE}reading: ${share}`);
  }

  clear(): void {
    if (this.shown && this.nextMs > 0) printErr(CLEAR_LINE);
  }
}
