/** Edge: the machine that figures were taken on; they mean nothing without it. */
import { cpus, loadavg, release, totalmem } from "node:os";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly bun: string;
  /** Empty where there is none. */
  readonly compiler: string;
  /** Average of the last minute when the run began: above the number of cores, figures are worse. */
  readonly load: number;
}

export function thisMachine(): Machine {
  const list = cpus();
  return {
    processor: list[0]?.model ?? "unknown processor",
    cores: list.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${process.platform} ${release()}`,
    bun: Bun.version,
    compiler: compilerVersion(),
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

export function machineLine(machine: Machine): string {
  const { processor, cores, memoryGiB, kernel, bun, compiler, load } = machine;
  const gxx = compiler === "" ? "no g++" : compiler;
  return `${processor}, ${cores} cores, ${memoryGiB} GiB, ${kernel}, Bun ${bun}, ${gxx}, load ${load}`;
}

function compilerVersion(): string {
  if (Bun.which("g++") === null) return "";
  const { stdout } = Bun.spawnSync(["g++", "--version"]);
  return stdout.toString().split("\n")[0]?.trim() ?? "";
}
