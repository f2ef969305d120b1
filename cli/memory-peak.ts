/** Edge: the most memory that this process has held at once. */
import { readFileSync } from "node:fs";

/** Bytes: `VmHWM` where there is /proc, else what the system counts. */
export function peakMemoryBytes(): number {
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "latin1"));
    if (peak) return Number(peak[1]) * 1024;
  } catch {}
  const { maxRSS } = process.resourceUsage();
  return process.platform === "darwin" ? maxRSS : maxRSS * 1024;
}
