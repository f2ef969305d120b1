/** Edge: what a replay says at its end. */
import { type Pace, paceText } from "../replayer/pace.ts";
import type { ReplayReport } from "../replayer/replayer.ts";
import { printOut } from "./output.ts";

export function printReport(
  report: ReplayReport,
  pace: Pace,
  failed: number,
  asJson: boolean,
): void {
  const { lateness } = report;
  const micros = (ns: number) => Math.round(ns / 100) / 10;
  const late = {
    p50_us: micros(lateness.quantileNs(0.5)),
    p99_us: micros(lateness.quantileNs(0.99)),
    max_us: micros(lateness.maxNs),
  };
  const asked = Math.round(report.askedPerSecond);
  const reached = Math.round(report.reachedPerSecond);
  if (asJson) {
    const line = {
      sent: report.sent,
      bytes: report.bytes,
      failed,
      skipped: report.skipped,
      seconds: report.seconds,
      speed: paceText(pace),
      asked_per_second: asked,
      reached_per_second: reached,
      late: lateness.count > 0 ? late : null,
    };
    printOut(`${JSON.stringify(line)}\n`);
    return;
  }
  const askedText = report.askedPerSecond > 0 ? `asked ${asked}/s, ` : "";
  const skipped = report.skipped > 0 ? `, ${report.skipped} left out as past` : "";
  printOut(
    `sent ${report.sent} frames (${report.bytes} bytes) in ${report.seconds.toFixed(3)} s at ` +
      `${paceText(pace)}: ${askedText}reached ${reached}/s, failed ${failed}${skipped}\n`,
  );
  if (lateness.count > 0) {
    printOut(`late: p50 ${late.p50_us} us, p99 ${late.p99_us} us, max ${late.max_us} us\n`);
  }
}
