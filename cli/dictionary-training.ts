/** Edge: trains a zstd dictionary on bodies of chunks, by the `zstd` tool. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChunkFault, dictionaryOf, readChunkHeader } from "../frames/chunk.ts";
import { DICTIONARY_BODY_BYTES } from "../frames/chunk-body.ts";
import type { Dictionary } from "../frames/dictionary.ts";
import { learnBeside } from "../frames/dictionary-files.ts";
import type { Zstd } from "../frames/zstd-port.ts";
import { CliError } from "./errors.ts";

/** 16 KiB gave bodies 2 % larger, 64 KiB 1 % smaller. */
const DICTIONARY_BYTES = 32 << 10;
/** Fewer samples make a dictionary that knows only them. */
const SAMPLES_LEAST = 100;
/** More teach it nothing more. */
const SAMPLES_MOST = 10_000;
/** Ids below are given out by others; above, zstd would take four bytes of each chunk for it. */
const PRIVATE_ID = 0x8000;

/** What a chunk can teach: its unpacked body, if a dictionary would be tried on it. */
export function trainingSample(chunk: Uint8Array, zstd: Zstd): Uint8Array | undefined {
  const found = readChunkHeader(chunk);
  if (found instanceof ChunkFault) return undefined;
  const { header, bodyAt, end } = found;
  if (header.codec !== "columns" || header.rawBytes > DICTIONARY_BODY_BYTES) return undefined;
  const dictionary = dictionaryOf(header, zstd);
  if (dictionary instanceof ChunkFault) return undefined;
  const body = chunk.subarray(bodyAt, end);
  return zstd.decompress(body, header.rawBytes, undefined, dictionary)?.slice();
}

/** Bodies of small chunks of one feed, evenly from all that were offered. */
export class TrainingSamples {
  /** Small chunks that were offered. */
  count = 0;
  private readonly zstd: Zstd;
  private samples: Uint8Array[] = [];
  private every = 1;
  private feed: string | undefined;

  constructor(zstd: Zstd) {
    this.zstd = zstd;
  }

  /** @throws CliError the chunk is of another feed than those before */
  add(chunk: Uint8Array, folder: string): void {
    const found = readChunkHeader(chunk);
    if (found instanceof ChunkFault) return;
    const { feed, dictionary } = found.header;
    learnBeside(this.zstd.dictionaries, dictionary, folder);
    const sample = trainingSample(chunk, this.zstd);
    if (sample === undefined) return;
    this.feed ??= feed;
    if (feed !== this.feed) {
      const message = `The chunks are of ${this.feed} and of ${feed}, and a dictionary is of one feed.`;
      throw new CliError("bad_argument", message, "Name the folder of one feed.");
    }
    if (this.count++ % this.every > 0) return;
    this.samples.push(sample);
    if (this.samples.length <= SAMPLES_MOST) return;
    this.samples = this.samples.filter((_, at) => at % 2 === 0);
    this.every *= 2;
  }

  /** @throws CliError as `trainDictionary` */
  train(): Promise<Dictionary> {
    return trainDictionary(this.feed ?? "any feed", this.samples, this.zstd);
  }
}

/**
 * The same samples give the same dictionary, by the same version of the tool.
 * @param samples unpacked bodies
 * @throws CliError there is no tool, or the samples are too few
 */
export async function trainDictionary(
  feed: string,
  samples: readonly Uint8Array[],
  zstd: Zstd,
): Promise<Dictionary> {
  if (samples.length < SAMPLES_LEAST) {
    throw new CliError(
      "bad_argument",
      `There are ${samples.length} small chunks of ${feed} in columns, and ${SAMPLES_LEAST} are the least.`,
      "Name more files, or collect with a shorter --chunk-age.",
    );
  }
  if (Bun.which("zstd") === null) {
    throw new CliError(
      "tool_missing",
      "Dictionaries are trained by the 'zstd' tool, and it is not installed.",
      "Install it: apt install zstd, dnf install zstd, or brew install zstd.",
    );
  }
  const made = zstd.dictionaries.of(feed, await trained(samples));
  if (typeof made !== "string") return made;
  throw new CliError("bad_argument", `What 'zstd --train' made cannot be used: ${made}.`, "");
}

async function trained(samples: readonly Uint8Array[]): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "edgebook-dictionary-"));
  try {
    const bodies = join(folder, "bodies");
    const out = join(folder, "dictionary");
    mkdirSync(bodies);
    const hasher = new Bun.CryptoHasher("sha256");
    const digits = String(samples.length).length;
    samples.forEach((sample, at) => {
      hasher.update(sample);
      writeFileSync(join(bodies, String(at).padStart(digits, "0")), sample);
    });
    const id = PRIVATE_ID + (hasher.digest().readUInt16LE() % PRIVATE_ID);
    const words = ["--train-fastcover=accel=1", `--maxdict=${DICTIONARY_BYTES}`, `--dictID=${id}`];
    const tool = Bun.spawn(["zstd", "-q", "-f", ...words, "-T1", "-o", out, "-r", bodies], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const said = await new Response(tool.stderr).text();
    if ((await tool.exited) === 0) return readFileSync(out);
    throw new CliError(
      "bad_argument",
      `'zstd --train' made no dictionary: ${said.trim().split("\n").at(-1)}`,
      "Name more files: a dictionary is made of what many chunks have in common.",
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
