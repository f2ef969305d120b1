/** Edge: `collect --check`: whether this host can do what the settings ask for. Changes nothing. */
import { accessSync, constants, existsSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";
import { openInput } from "../frames/input.ts";
import { withoutPassword } from "../frames/mqtt-access.ts";
import { parseChunkAddress } from "../frames/transport-open.ts";
import { openZstd } from "../frames/zstd.ts";
import { openWire } from "./collect-capture.ts";
import type { CollectSettings } from "./collect-settings.ts";
import { needsSpool } from "./collecting.ts";

export interface Finding {
  readonly level: "ok" | "warn" | "fail";
  readonly text: string;
}

const CONNECT_MS = 2000;

/** Every finding, good ones too. */
export async function checkHost(settings: CollectSettings): Promise<Finding[]> {
  const findings: Finding[] = [];
  findings.push({ level: "ok", text: `zstd: ${openZstd().name}` });
  for (const path of settings.captures) findings.push(await attempt(path, () => checkFile(path)));
  if (settings.captures.length === 0)
    findings.push(await attempt("wire", () => checkWire(settings)));
  for (const place of settings.to)
    findings.push(await attempt(withoutPassword(place), () => checkPlace(place)));
  if (needsSpool(settings.to)) {
    const { spoolDirectory } = settings;
    findings.push(await attempt(`spool ${spoolDirectory}`, () => checkFolder(spoolDirectory)));
  }
  return findings;
}

/** What a step says; an error of it is a finding too. */
async function attempt(what: string, step: () => Finding | Promise<Finding>): Promise<Finding> {
  try {
    const { level, text } = await step();
    return { level, text: `${what}: ${text}` };
  } catch (thrown) {
    const { message, hint } = thrown as Error & { hint?: string };
    return { level: "fail", text: `${what}: ${message}${hint ? ` ${hint}` : ""}` };
  }
}

async function checkFile(path: string): Promise<Finding> {
  const input = await openInput(path);
  input.close();
  return input.kind === "other"
    ? { level: "fail", text: "is no capture" }
    : { level: "ok", text: `${input.kind}, ${input.compression} packing` };
}

/** Opens the capture as collecting would, and closes it again. */
function checkWire(settings: CollectSettings): Finding {
  const { receiver, text, warning } = openWire(settings);
  const bytes = receiver.receiveBufferBytes;
  receiver.close();
  if (warning !== undefined) return { level: "warn", text: `${text}; ${warning}` };
  const each = receiver.kind === "ring" ? "" : `, receive buffer ${bytes >> 21} MiB each`;
  return { level: "ok", text: text + each };
}

async function checkPlace(place: string): Promise<Finding> {
  const address = parseChunkAddress(place);
  if (address.kind === "dir") return checkFolder(address.path);
  const reached = await reaches(address.host, address.port);
  return reached === undefined
    ? { level: "ok", text: "the broker answers" }
    : { level: "warn", text: `the broker is not there (${reached}); collecting would wait for it` };
}

/** `undefined` if something accepts connections there, else why not. */
function reaches(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (why: string | undefined) => {
      socket.destroy();
      resolve(why);
    };
    socket.setTimeout(CONNECT_MS, () => end("no answer"));
    socket.on("connect", () => end(undefined));
    socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}

function checkFolder(path: string): Finding {
  let existing = path;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  accessSync(existing, constants.W_OK);
  return { level: "ok", text: existing === path ? "writable" : "will be made" };
}
