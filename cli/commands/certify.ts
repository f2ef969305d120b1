/** Edge: `edgebook certify`: certificates of captures, chunks and a running service, and their check. */
import { readFileSync, statSync } from "node:fs";
import { LineCounts } from "../../book/line-counts.ts";
import { Channels } from "../../frames/channels.ts";
import { openInput } from "../../frames/input.ts";
import { scanChunkFile } from "../../frames/spool-scan.ts";
import packageFile from "../../package.json" with { type: "json" };
import { type Certificate, certificateText } from "../../streams/certificate.ts";
import {
  compareCertificates,
  contradictions,
  differenceText,
} from "../../streams/certificate-check.ts";
import { GAP_COLUMNS, type GapJson } from "../../streams/certificate-gaps.ts";
import { parseCertificates } from "../../streams/certificate-read.ts";
import { serviceCertificates, serviceGaps } from "../certificate-service.ts";
import { type Brought, Certifying } from "../certifying.ts";
import type { Command, FlagSpec } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import { namedFeed } from "../feed-choice.ts";
import type { FlagValues } from "../flag-values.ts";
import { filesBelow } from "../input-files.ts";
import { readOffline } from "../offline.ts";
import { type Output, openOutput, printErr, printOut } from "../output.ts";
import { CAPTURE_FLAGS, CHECKSUMS_FLAG, FORCE_FLAG, OUT_FLAG } from "../shared-flags.ts";
import { parseDay } from "../trading-day.ts";
import { parseWindow } from "../window.ts";

const OWN_FLAGS: readonly FlagSpec[] = [
  {
    name: "from",
    kind: "text",
    placeholder: "URL",
    doc: "Takes the certificates of a running book service; --date chooses the day, else all.",
  },
  {
    name: "check",
    kind: "text",
    placeholder: "CERT",
    doc: "Holds the result against these certificates; without FILE, CERT against itself.",
  },
  {
    name: "strict",
    kind: "boolean",
    doc: "Of --check: also compare how messages came: lines, recoveries, session.",
  },
  {
    name: "ledger",
    kind: "text",
    placeholder: "FILE",
    doc: "Writes the gaps as rows, CSV or NDJSON by the ending: repaired how and when, or lost.",
  },
  {
    name: "from-start",
    kind: "boolean",
    doc: "Count what is missing before the first number of a stream as lost too.",
  },
  {
    name: "format",
    kind: "text",
    values: ["ndjson", "json"],
    doc: "A line for each certificate, or one array; else by the ending of --out, else ndjson.",
  },
];

export const command: Command = {
  args: { placeholder: "[FILE…]", atLeast: 0, atMost: Number.POSITIVE_INFINITY },
  flags: [...CAPTURE_FLAGS, ...OWN_FLAGS, OUT_FLAG, FORCE_FLAG, CHECKSUMS_FLAG],
  help:
    "Writes a certificate for each stream and epoch: numbers delivered, recovered and lost, counts " +
    "by message type, a digest of the messages that depends neither on lines nor on how they were " +
    "cut, and what each line did. FILE is a capture, a chunk file or a directory of them, the " +
    "exchange's own file, or certificates.\n" +
    "Exit code of --check: 0 equal, 1 different, 3 the input was damaged. Without it: 3 if numbers " +
    "are lost or the input was damaged.",
  examples: [
    ["edgebook certify a.pcap b.pcap --feed nse-fo --out day.cert", "both lines of a day"],
    ["edgebook certify chunks --check day.cert", "is the archive what was captured?"],
    ["edgebook certify --from http://127.0.0.1:8080 --check day.cert", "is the live service?"],
    ["edgebook certify day.pcap --feed nse-fo --ledger gaps.csv", "every gap, as rows"],
  ],
  async run({ args, flags, signal }) {
    checkUsage(args, flags);
    const checkPath = flags.text("check");
    const outPath = flags.text("out");
    const theirs = checkPath === undefined ? undefined : readCertificates(checkPath);
    const writes = outPath !== undefined || theirs === undefined;
    const outputs: Output[] = [];
    try {
      const out = writes ? opened(outputs, outPath, flags) : undefined;
      const ledger = flags.has("ledger") && opened(outputs, flags.text("ledger"), flags);
      const found = await gather(args, flags, signal);
      if (found && out) writeText(out, certificateFile(found.certificates, flags));
      if (found && ledger) writeText(ledger, ledgerFile(found.gaps, flags.text("ledger") ?? ""));
      for (const output of outputs) output.close();
      for (const complaint of found?.complaints ?? []) printErr(`edgebook: ${complaint}\n`);
      if (theirs === undefined) return found?.complaints.length ? Exit.Damaged : Exit.Done;
      const same = verdict(found?.certificates, theirs, flags);
      if (found?.damaged) return Exit.Damaged;
      return same ? Exit.Done : Exit.Failed;
    } catch (thrown) {
      for (const output of outputs) output.discard();
      throw thrown;
    }
  },
};

interface Found {
  readonly certificates: readonly Certificate[];
  readonly gaps: readonly GapJson[];
  /** The input was damaged: what its certificates say is not the whole of it. */
  readonly damaged: boolean;
  readonly complaints: readonly string[];
}

function checkUsage(args: readonly string[], flags: FlagValues): void {
  const from = flags.has("from");
  const check = flags.has("check");
  const wrong = (message: string, hint: string) => {
    throw new CliError("bad_argument", message, hint);
  };
  // What was asked wrongly is told before what is not there.
  namedFeed(flags.text("feed"), new Channels(), flags.text("spec"));
  if (args.length === 0 && !from && !check) {
    wrong("Nothing says what is to be certified.", "Name a capture, chunks, or --from URL.");
  }
  if (args.length > 0 && from) wrong("FILE and --from exclude each other.", "Keep one of the two.");
  if (flags.on("strict") && !check) wrong("--strict goes with --check.", "Add --check CERT.");
  if (args.length === 0 && !from) {
    for (const flag of ["ledger", "out"]) {
      if (flags.has(flag))
        wrong(`--${flag} needs FILE or --from.`, "Name what is to be certified.");
    }
  }
}

function opened(outputs: Output[], path: string | undefined, flags: FlagValues): Output {
  const output = openOutput(path, flags.on("force"));
  outputs.push(output);
  return output;
}

/** Undefined where there is nothing but the certificates of `--check`. */
async function gather(
  args: readonly string[],
  flags: FlagValues,
  signal: AbortSignal,
): Promise<Found | undefined> {
  const from = flags.text("from");
  if (from !== undefined) return ofService(from, flags, signal);
  if (args.length === 0) return undefined;
  const paths = args.flatMap(filesBelow);
  const written = await Promise.all(paths.map(isCertificateFile));
  if (!written.includes(true)) return ofCapture(paths, flags, signal);
  if (written.includes(false)) {
    const message = "Captures and certificates cannot be certified together.";
    throw new CliError("bad_argument", message, "Hold them against each other with --check.");
  }
  const certificates = paths.flatMap(readCertificates);
  return { certificates, gaps: [], damaged: false, complaints: faultsOf(certificates) };
}

async function ofService(from: string, flags: FlagValues, signal: AbortSignal): Promise<Found> {
  const told = flags.text("date");
  const date = told === undefined ? undefined : dayText(told);
  const certificates = await serviceCertificates(from, date, signal);
  const gaps = flags.has("ledger") ? await serviceGaps(from, signal) : [];
  const lost = certificates.reduce((sum, certificate) => sum + certificate.lost, 0);
  const complaints = lost > 0 ? [`${lost} numbers are lost`] : [];
  return { certificates, gaps, damaged: false, complaints };
}

async function ofCapture(
  paths: readonly string[],
  flags: FlagValues,
  signal: AbortSignal,
): Promise<Found> {
  const work = new Certifying({
    ...parseWindow(flags.text("window") ?? ""),
    fromStart: flags.on("from-start"),
  });
  const report = await readOffline(paths, flags, signal, work);
  if (work.otherFeeds > 0) {
    printErr(`edgebook: ${work.otherFeeds} frames of other feeds were left out\n`);
  }
  const brought = report.chunks ? await broughtOf(paths) : undefined;
  const tool = `edgebook ${packageFile.version}`;
  const certificates = work.certificates(tool, brought);
  const gaps = flags.has("ledger") ? work.gaps() : [];
  const complaints = [...report.complaints, ...work.complaints()];
  if (flags.has("ledger") && work.gapsLeftOut > 0) {
    complaints.push(`${work.gapsLeftOut} gaps found no room in the ledger`);
  }
  return { certificates, gaps, damaged: report.complaints.length > 0, complaints };
}

/** What chunks say that each line brought; undefined where every copy is there itself. */
async function broughtOf(paths: readonly string[]): Promise<Brought | undefined> {
  const counts = new LineCounts();
  let copies = 0;
  let known = true;
  for (const path of paths) {
    const input = await openInput(path).catch(() => undefined);
    input?.close();
    const readable = path !== "-" && input?.kind === "chunks" && input.compression === "none";
    if (!readable) {
      known = false;
      continue;
    }
    scanChunkFile(path, (header) => {
      copies += header.copies;
      if (header.runsDropped > 0) known = false;
      counts.add(header);
    });
  }
  if (known && copies === 0) return undefined;
  return (stream, line) => (known ? counts.brought(stream, line) : undefined);
}

/** Prints what differs, or that nothing does; true if the two are equal and sound. */
function verdict(
  ours: readonly Certificate[] | undefined,
  theirs: readonly Certificate[],
  flags: FlagValues,
): boolean {
  const there = flags.text("check") ?? "";
  const sides = { ours: "the input", theirs: there };
  const found = theirs.flatMap(contradictions);
  if (ours) {
    found.push(...ours.flatMap(contradictions));
    found.push(...compareCertificates(ours, theirs, { strict: flags.on("strict"), sides }));
  }
  for (const difference of found) printOut(`${differenceText(difference)}\n`);
  const certificates = theirs.length === 1 ? "1 certificate" : `${theirs.length} certificates`;
  if (found.length > 0) printOut(`${found.length} differences\n`);
  else printOut(ours ? `${certificates}: equal\n` : `${certificates}: sound\n`);
  return found.length === 0;
}

function faultsOf(certificates: readonly Certificate[]): string[] {
  return certificates.flatMap(contradictions).map(differenceText);
}

function certificateFile(certificates: readonly Certificate[], flags: FlagValues): string {
  const asArray = (flags.text("format") ?? endingOf(flags.text("out") ?? "")) === "json";
  const texts = certificates.map(certificateText);
  return asArray ? `[\n${texts.join(",\n")}\n]\n` : texts.map((text) => `${text}\n`).join("");
}

/** No cell needs quotes: they are numbers, feeds and words of the ledger. */
function ledgerFile(rows: readonly GapJson[], path: string): string {
  if (endingOf(path) !== "csv") return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const lines = rows.map((row) => GAP_COLUMNS.map((column) => row[column] ?? "").join(","));
  return [GAP_COLUMNS.join(","), ...lines].map((line) => `${line}\n`).join("");
}

function writeText(output: Output, text: string): void {
  output.write(new TextEncoder().encode(text));
}

function readCertificates(path: string): Certificate[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const { code, message } = cause as Error & { code?: string };
    const hint = "Name a file that 'edgebook certify … --out FILE' has written.";
    if (code !== "ENOENT") {
      const why = `The certificates in ${path} cannot be read: ${message}`;
      throw new CliError("file_unreadable", why, hint, cause);
    }
    throw new CliError("file_not_found", `${path} was not found`, hint, cause);
  }
  return parseCertificates(text, path);
}

/** JSON is no capture, and no capture is JSON. */
async function isCertificateFile(path: string): Promise<boolean> {
  const found = path === "-" ? undefined : statSync(path, { throwIfNoEntry: false });
  // What is not there is told by whoever opens it.
  if (path === "-" || found?.isFile() === false) return false;
  const input = await openInput(path);
  const first = String.fromCharCode(input.head[0]);
  input.close();
  return input.kind === "other" && (first === "{" || first === "[");
}

/** The file itself, or all chunk files below a directory. */
function endingOf(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1).toLowerCase();
}

/** As the service's paths have it. */
function dayText(text: string): string {
  const { year, month, day } = parseDay(text);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${year}-${two(month)}-${two(day)}`;
}
