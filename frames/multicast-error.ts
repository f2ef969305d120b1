/** What can go wrong with a socket, in words that say how to mend it. */

export type SocketErrorCode =
  | "address_in_use"
  | "no_such_interface"
  | "cannot_join"
  | "not_permitted"
  | "bad_address";

export class SocketError extends Error {
  readonly code: SocketErrorCode;
  readonly hint: string;

  constructor(code: SocketErrorCode, message: string, hint: string) {
    super(message);
    this.name = "SocketError";
    this.code = code;
    this.hint = hint;
  }
}

/** A dotted IPv4 address as four bytes. @throws SocketError */
export function ipv4Bytes(address: string): Uint8Array {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1).map(Number);
  if (parts?.every((part) => part <= 255)) return Uint8Array.from(parts);
  throw new SocketError(
    "bad_address",
    `'${address}' is not an IPv4 address.`,
    "Sockets here are IPv4 so far; write the group as 239.1.2.3:PORT.",
  );
}

export function isMulticast(address: Uint8Array): boolean {
  return address[0] >> 4 === 14;
}

/** Names of the system errors that people meet with sockets. */
const SYSTEM_ERRORS: Record<number, string> = {
  1: "EPERM",
  12: "ENOMEM",
  13: "EACCES",
  19: "ENODEV",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
  101: "ENETUNREACH",
  105: "ENOBUFS",
};

export function systemErrorName(errno: number): string {
  return SYSTEM_ERRORS[errno] ?? `errno ${errno}`;
}

export function noRoute(channel: number): SocketError {
  return new SocketError(
    "bad_address",
    `Channel ${channel} has no address to be sent to.`,
    "Give --to udp://GROUP:PORT, or a channel table that names its group.",
  );
}

/** What a failed step of opening a socket means to the person who asked for it. */
export function socketError(step: string, errno: string, where: string): SocketError {
  if (errno === "EADDRINUSE") {
    return new SocketError(
      "address_in_use",
      `${where} is taken by a process that does not share it.`,
      "Find it with 'ss -ulpn', stop it, or choose another port.",
    );
  }
  if (errno === "EADDRNOTAVAIL" || errno === "ENODEV") {
    return new SocketError(
      step === "join" ? "cannot_join" : "no_such_interface",
      `${where} cannot be reached through this interface (${step}: ${errno}).`,
      "Check --interface: it must be up and carry an IPv4 address.",
    );
  }
  if (errno === "ENOBUFS") {
    return new SocketError(
      "cannot_join",
      `${where}: the kernel joins no more groups (${step}: ENOBUFS).`,
      "Raise net.ipv4.igmp_max_memberships.",
    );
  }
  const hint =
    errno === "EACCES" || errno === "EPERM"
      ? "Ports below 1024 need the right to bind them; choose another or grant it."
      : "Check the address, the port and --interface.";
  return new SocketError("cannot_join", `${where}: ${step} failed with ${errno}.`, hint);
}
