/** Edge: the wire as `collect` takes it, for collecting and for its `--check`, in the same words. */
import { existsSync, readFileSync } from "node:fs";
import type { MulticastReceiver } from "../frames/multicast-port.ts";
import { findCaptureInterface, openCapture } from "../frames/ring-choice.ts";
import type { CollectSettings } from "./collect-settings.ts";

export interface OpenWire {
  readonly receiver: MulticastReceiver;
  /** What is taken, where and how. */
  readonly text: string;
  /** The kernel gave less than was asked for. */
  readonly warning: string | undefined;
}

/** @throws SocketError with what to do about it */
export function openWire(settings: CollectSettings): OpenWire {
  const { mirror, channels, receiveBufferBytes } = settings;
  const networkInterface = findCaptureInterface(settings.interface ?? "", mirror);
  const groups = channels.list.map(({ group, port }, channel) => ({ group, port, channel }));
  const way = settings.capture;
  const opened = openCapture({ groups, networkInterface, receiveBufferBytes, way, mirror });
  const { receiver, why } = opened;
  const { name, address } = networkInterface;
  const where = address === "" ? name : `${name} (${address})`;
  const ring = receiver.kind === "ring";
  const by = ring ? `a packet ring of ${receiver.receiveBufferBytes >> 20} MiB` : receiver.kind;
  const { clock, clockNote = "" } = receiver;
  const told = clockNote === "" ? `clock: ${clock}` : `clock: ${clock}, ${clockNote}`;
  const notes = [why, told, mirror ? "mirror port: nothing is joined" : ""].filter(
    (note) => note !== "",
  );
  return {
    receiver,
    text:
      `${groups.length} groups on ${where} by ${by}` +
      (notes.length > 0 ? ` (${notes.join("; ")})` : ""),
    warning: ring ? undefined : bufferWarning(receiveBufferBytes, receiver.receiveBufferBytes),
  };
}

/** The kernel tells twice what it gives; less than asked means that it clamped. */
function bufferWarning(wanted: number, told: number): string | undefined {
  if (told / 2 >= wanted) return undefined;
  const most = readNumber("/proc/sys/net/core/rmem_max");
  return (
    `the kernel gave a receive buffer of ${Math.round(told / 2048)} KiB instead of ` +
    `${Math.round(wanted / 1024)} KiB: 'sudo sysctl -w net.core.rmem_max=${wanted}'` +
    (most === undefined ? "" : ` (now ${most})`) +
    ", or give the process CAP_NET_ADMIN"
  );
}

function readNumber(path: string): number | undefined {
  return existsSync(path) ? Number(readFileSync(path, "utf8")) : undefined;
}
