/** What the end of `collect` says: who has the chunks, who keeps them, and the exit code. */
import type { Collector, Finished } from "../collector/collector.ts";
import { Exit } from "./errors.ts";
import { printErr } from "./output.ts";

/** Waiting that is over sooner is not worth a word. */
const SAY_WAITING_MS = 1000;

export interface Ending {
  readonly complaints: string[];
  readonly code: number;
}

/** As `Collector.finish` of an input that ended; says what is waited for, unless it is soon over. */
export async function finishedInput(collector: Collector, waitMs: number): Promise<Finished> {
  const saying = setTimeout(() => {
    const what = `for a centre to confirm ${chunksText(collector.unconfirmed)}`;
    printErr(`edgebook: waiting ${what}; Ctrl-C ends it\n`);
  }, SAY_WAITING_MS);
  try {
    return await collector.finish(waitMs, true);
  } finally {
    clearTimeout(saying);
  }
}

/** @param spool its folder */
export function inputEnding(finished: Finished, isInterrupted: boolean, spool: string): Ending {
  const { unsent, unconfirmed } = finished;
  const kept = keptText(finished, spool);
  if (unsent === 0 && unconfirmed === 0) return { complaints: [], code: Exit.Done };
  if (isInterrupted) {
    const open = Math.max(unsent, unconfirmed);
    const text = `interrupted; nobody has confirmed ${chunksText(open)}${kept}`;
    return { complaints: [text], code: Exit.Interrupted };
  }
  if (unsent > 0) return { complaints: [unsentText(finished, spool)], code: Exit.Failed };
  const text = `no centre has confirmed ${chunksText(unconfirmed)} that the broker took${kept}`;
  return { complaints: [text], code: Exit.Damaged };
}

/** Of the wire, which only ends by an interrupt. */
export function wireEnding(finished: Finished, spool: string): Ending {
  if (finished.unsent === 0) return { complaints: [], code: Exit.Done };
  return { complaints: [unsentText(finished, spool)], code: Exit.Damaged };
}

function unsentText(finished: Finished, spool: string): string {
  const { unsent } = finished;
  return `${chunksText(unsent)} did not reach every place of --to${keptText(finished, spool)}`;
}

function keptText({ spooled }: Finished, spool: string): string {
  if (spooled === 0) return "";
  const reads = `'edgebook book --from dir:${spool}' reads it`;
  return `; the spool keeps ${chunksText(spooled)} of this run: ${reads}`;
}

const chunksText = (count: number) => (count === 1 ? "1 chunk" : `${count} chunks`);
