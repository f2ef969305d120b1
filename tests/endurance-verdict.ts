/** What is wrong with a run of endurance, and the run in a few lines. */
import type { EnduranceRun, Memory } from "./endurance-run.ts";

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
  return complaints;
}

export function enduranceSummary(run: EnduranceRun): string {
  const { options, sentRate, sent, kernelDrops, chunks, spoolMiB, memory } = run;
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
    ...Object.entries(memory).map(([name, told]) => `  ${name}: ${mib(told)} MiB`),
  ].join("\n");
}
