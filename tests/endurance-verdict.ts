/** What is wrong with a run of endurance, and the run in a few lines. */
import type { EnduranceRun, Memory, Process } from "./endurance-run.ts";

/** Of a run without a pause, from two thirds of it to its end; a process of 50 MiB breathes more. */
const GROWTH = 1.2;
const GROWTH_MIB = 64;

/** The sender's number 0 is none for a book: numbers are counted from 1. */
const NUMBER_ZERO = 1;

export function enduranceComplaints(run: EnduranceRun): string[] {
  const { options, sent, kernelDrops, served, lost, missed, drainSeconds, behindChunks } = run;
  const complaints: string[] = [];
  const missing = sent - NUMBER_ZERO - served;
  if (missing > kernelDrops) {
    complaints.push(`${missing} of ${sent} were not served, and the kernel dropped ${kernelDrops}`);
  }
  if (lost > missing || missing < 0) {
    complaints.push(`${served} served and ${lost} lost of ${sent} sent`);
  }
  if (kernelDrops > 0) {
    complaints.push(`the kernel dropped ${kernelDrops}: the collector was not in time`);
  }
  if (missed > 0) complaints.push(`${missed} chunks had left the spool before they were sent`);
  if (drainSeconds > options.drainSeconds) complaints.push("the books did not catch up");
  if (options.pause !== "nobody" && behindChunks === 0) complaints.push("nothing was held up");
  if (options.pause === "nobody") {
    for (const [name, { paused, after }] of Object.entries(run.memory)) {
      if (after > paused * GROWTH + GROWTH_MIB) {
        complaints.push(`the memory of the ${name} grew from ${paused} to ${after} MiB`);
      }
    }
  }
  return complaints;
}

export function enduranceSummary(run: EnduranceRun): string {
  const { options, sentRate, sent, kernelDrops, chunks, spoolMiB, memory, cpuNs } = run;
  const { pause, pauseSeconds } = options;
  const who =
    pause === "nobody"
      ? `${pauseSeconds} s without a pause`
      : `${pause} away for ${pauseSeconds} s`;
  const mib = ({ before, paused, after, peak }: Memory) =>
    `${before} before, ${paused} at the pause's end, ${after} after, peak ${peak}`;
  return [
    `${who}: ${sent} datagrams at ${sentRate}/s (${options.rate}/s asked), ` +
      `${run.served} served, ${kernelDrops} dropped by this host's kernel`,
    `  ${run.behindChunks} of ${chunks} chunks behind at the end of the pause, caught up in ` +
      `${run.drainSeconds.toFixed(1)} s; ${run.resent} sent again; spool ${spoolMiB} MiB`,
    ...(Object.keys(memory) as Process[]).map(
      (name) => `  ${name}: ${cpuNs[name]} ns of processor a datagram; ${mib(memory[name])} MiB`,
    ),
  ].join("\n");
}
