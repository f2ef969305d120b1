/** Edge: `edgebook chunks`: what chunk and spool files hold, whether it is sound, and back to pcap. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { formatNs } from "../../feed/time.ts";
import { CaptureCounters } from "../../frames/capture-counters.ts";
import { Channels } from "../../frames/channels.ts";
import {
  ChunkFault,
  type ChunkHeader,
  ChunkUnpacker,
  readChunkHeader,
} from "../../frames/chunk.ts";
import { ChunkSplitter } from "../../frames/chunk-stream.ts";
import { learnBeside } from "../../frames/dictionary-files.ts";
import { type Input, openInput } from "../../frames/input.ts";
import { PcapWriter } from "../../frames/pcap-writer.ts";
import { DICTIONARY_ENDING } from "../../frames/spool-dictionaries.ts";
import { CHUNK_FILE_ENDING } from "../../frames/transport-dir.ts";
import { openZstd } from "../../frames/zstd.ts";
import type { Command } from "../command.ts";
import { TrainingSamples } from "../dictionary-training.ts";
import { CliError, Exit } from "../errors.ts";
import { frameBatches, mergedBatches } from "../frame-source.ts";
import { openOutput, printErr, printOut } from "../output.ts";
import { FORCE_FLAG } from "../shared-flags.ts";

export const command: Command = {
  args: {
    placeholder: "list|verify|convert|train FILE|DIR…",
    atLeast: 2,
    atMost: Number.POSITIVE_INFINITY,
  },
  flags: [
    {
      name: "format",
      kind: "text",
      values: ["text", "json"],
      fallback: "text",
      doc: "Of list and verify: text for people, a line of JSON for each chunk for programs.",
    },
    {
      name: "out",
      kind: "text",
      placeholder: "FILE|DIR",
      doc: "Of convert: the pcap to write. Of train: the dictionary, or the folder that it goes into.",
    },
    FORCE_FLAG,
  ],
  help:
    "list prints a line for each chunk; verify unpacks every one and checks it to its last byte; " +
    "convert writes the frames of all files, merged by capture time, as a pcap with nanosecond " +
    "times (link and IP headers are made up: chunks do not keep them). train makes a dictionary from " +
    "small chunks of one feed, with the 'zstd' tool: 'collect --dictionary' packs by it. " +
    "A directory means all chunk files below it. What a chunk's dictionary says is looked for beside " +
    "the chunks, and in the two folders above. Exit code 3 if something was damaged.",
  examples: [
    ["edgebook chunks list chunks/nse-fo/1", "the chunks of a stream"],
    ["edgebook chunks verify spool", "is the spool sound?"],
    ["edgebook chunks convert chunks --out day.pcap", "for Wireshark"],
    ["edgebook chunks train chunks/nse-fo --out .", "a dictionary of your own market"],
  ],
  async run({ args, flags, signal }) {
    const [action, ...places] = args;
    const paths = places.flatMap(chunkFiles);
    const asJson = flags.text("format") === "json";
    if (action === "list") return inspect(paths, false, asJson, signal);
    if (action === "verify") return inspect(paths, true, asJson, signal);
    if (action === "convert") {
      const out = flags.text("out");
      if (out !== undefined) return convert(paths, out, flags.on("force"), signal);
      throw new CliError("bad_flag", "--out is missing.", "Name the pcap: --out day.pcap.");
    }
    if (action === "train") return train(paths, flags.text("out"), flags.on("force"), signal);
    throw new CliError(
      "bad_argument",
      `'${action}' is nothing that can be done with chunks.`,
      "Say list, verify, convert or train.",
    );
  },
};

/** The file itself, or all chunk files below a directory. */
function chunkFiles(path: string): string[] {
  if (path === "-" || !statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(CHUNK_FILE_ENDING))
    .sort()
    .map((name) => join(path, name));
}

/** Hands on every chunk of a file; what in it was none, and what was wrong with its packing. */
async function splitFile(path: string, onChunk: (bytes: Uint8Array) => void) {
  const splitter = new ChunkSplitter(onChunk);
  const input = await openInput(path);
  try {
    for await (const block of input.blocks()) splitter.push(block);
  } finally {
    input.close();
  }
  splitter.finish();
  return { splitter, packing: input.damage };
}

/** @param whole unpack the bodies too */
async function inspect(
  paths: readonly string[],
  whole: boolean,
  asJson: boolean,
  signal: AbortSignal,
): Promise<number> {
  const zstd = openZstd();
  const unpacker = new ChunkUnpacker(new Channels(), zstd);
  const totals = { files: 0, chunks: 0, frames: 0, bytes: 0, damaged: 0 };
  for (const path of paths) {
    if (signal.aborted) return Exit.Interrupted;
    totals.files++;
    const { splitter, packing } = await splitFile(path, (bytes) => {
      const found = readChunkHeader(bytes);
      if (found instanceof ChunkFault) return;
      learnBeside(zstd.dictionaries, found.header.dictionary, dirname(path));
      const fault = whole ? unpacker.unpack(bytes) : undefined;
      const damage = fault instanceof ChunkFault ? fault.message : undefined;
      totals.chunks++;
      totals.frames += found.header.frames;
      totals.bytes += bytes.length;
      if (damage !== undefined) totals.damaged++;
      if (!whole || damage !== undefined) {
        printOut(asJson ? jsonLine(path, found.header, damage) : textLine(found.header, damage));
      }
    });
    if (splitter.damages > 0 || packing !== undefined) {
      totals.damaged += Math.max(1, splitter.damages);
      printErr(
        `edgebook: ${path}: ${splitter.bytesSkipped} bytes in ${splitter.damages} places are no ` +
          `chunk${packing === undefined ? "" : `; ${packing.reason}`}\n`,
      );
    }
  }
  const { files, chunks, frames, bytes, damaged } = totals;
  printErr(
    `edgebook: ${chunks} chunks in ${files} files, ${frames} frames, ${bytes} bytes, ` +
      `${damaged} damaged\n`,
  );
  return damaged > 0 ? Exit.Damaged : Exit.Done;
}

function textLine(header: ChunkHeader, damage: string | undefined): string {
  const { collector, boot, number, feed, stream, frames, copies, codec, bodyBytes } = header;
  const { dictionary } = header;
  const first = formatNs(header.firstSec, header.firstNsec);
  const numbers = `${header.firstSequence}..${header.lastSequence}`;
  const each = (bodyBytes / Math.max(1, frames)).toFixed(1);
  return (
    `${collector} ${boot} #${number} ${feed}/${stream} ${numbers} ${frames} frames, ` +
    `${copies} copies, ${codec} ${bodyBytes} B (${each} a frame), from ${first}` +
    `${dictionary === "" ? "" : `, by ${dictionary}`}` +
    `${damage === undefined ? "" : ` DAMAGED: ${damage}`}\n`
  );
}

function jsonLine(file: string, header: ChunkHeader, damage: string | undefined): string {
  return `${JSON.stringify({ file, ...header, damage })}\n`;
}

/** A dictionary of what is in the chunks; its path on standard output. */
async function train(
  paths: readonly string[],
  out: string | undefined,
  force: boolean,
  signal: AbortSignal,
): Promise<number> {
  if (out === undefined) {
    const hint = "Name the file or its folder: --out nse-fo.zdict.";
    throw new CliError("bad_flag", "--out is missing.", hint);
  }
  const samples = new TrainingSamples(openZstd());
  for (const path of paths) {
    if (signal.aborted) return Exit.Interrupted;
    await splitFile(path, (bytes) => samples.add(bytes, dirname(path)));
  }
  const dictionary = await samples.train();
  const isFolder = existsSync(out) && statSync(out).isDirectory();
  const file = isFolder ? join(out, `${dictionary.name}${DICTIONARY_ENDING}`) : out;
  const output = openOutput(file, force);
  output.write(dictionary.bytes);
  output.close();
  printErr(`edgebook: ${dictionary.name}, made of ${samples.count} small chunks\n`);
  printOut(`${file}\n`);
  return Exit.Done;
}

async function convert(
  paths: readonly string[],
  out: string,
  force: boolean,
  signal: AbortSignal,
): Promise<number> {
  const channels = new Channels();
  const writer = new PcapWriter(channels);
  const inputs: Input[] = [];
  const counters: CaptureCounters[] = [];
  const output = openOutput(out, force);
  try {
    for (const path of paths) inputs.push(await openInput(path));
    const sources = inputs.map((input) => {
      const counting = new CaptureCounters();
      counters.push(counting);
      return frameBatches(input, channels, counting, false);
    });
    output.write(writer.fileHeader());
    for await (const batch of mergedBatches(sources)) {
      if (signal.aborted) break;
      output.write(writer.packets(batch));
    }
    if (signal.aborted) output.discard();
    else output.close();
  } catch (thrown) {
    output.discard();
    throw thrown;
  } finally {
    for (const input of inputs) input.close();
  }
  let code: number = Exit.Done;
  counters.forEach((counting, i) => {
    if (!counting.truncated) return;
    printErr(`edgebook: ${paths[i]}: ${counting.stopReason}\n`);
    code = Exit.Damaged;
  });
  return code;
}
