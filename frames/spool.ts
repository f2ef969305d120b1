/** Edge: the spool on the disk of this host, with its clock. */
import type { PackedChunk } from "./chunk.ts";
import type { Dictionaries } from "./dictionary.ts";
import { SpoolCore } from "./spool-core.ts";
import { DiskFiles } from "./spool-disk.ts";
import { SpoolError, type SpoolOptions } from "./spool-options.ts";
import { openZstd } from "./zstd.ts";

const TEND_MS = 200;

export class Spool extends SpoolCore {
  private readonly disk: DiskFiles;
  private readonly timer: ReturnType<typeof setInterval>;

  /** @throws SpoolError that says why the folder cannot be used, and what to do */
  constructor(
    directory: string,
    options: Partial<SpoolOptions> = {},
    dictionaries: Dictionaries = openZstd().dictionaries,
  ) {
    const disk = openDisk(directory);
    try {
      super(disk, options, dictionaries);
    } catch (thrown) {
      disk.release();
      throw asSpoolError(thrown);
    }
    this.disk = disk;
    this.timer = setInterval(() => this.tend(Date.now()), TEND_MS);
    this.timer.unref();
  }

  append(chunk: PackedChunk): boolean {
    return this.appendAt(chunk, Date.now());
  }

  override close(): void {
    clearInterval(this.timer);
    super.close();
    this.disk.release();
  }
}

function openDisk(directory: string): DiskFiles {
  try {
    return new DiskFiles(directory);
  } catch (thrown) {
    throw asSpoolError(thrown);
  }
}

function asSpoolError(thrown: unknown): SpoolError {
  if (thrown instanceof SpoolError) return thrown;
  const { code, message } = thrown as { code?: string; message: string };
  if (code === "EBUSY") {
    const hint = "Stop it, or give this one a folder of its own.";
    return new SpoolError("in_use", message, hint, thrown);
  }
  const hint =
    code === "ENOSPC" || code === "EDQUOT"
      ? "Free some space, or name a folder on another disk."
      : "Check the folder's permissions, or name another one.";
  return new SpoolError("not_writable", message, hint, thrown);
}
