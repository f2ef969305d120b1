/** What keeps the book service from starting, with how to mend it. */
export type ServiceErrorCode = "address_in_use" | "bad_flag" | "unexpected";

export class ServiceError extends Error {
  readonly code: ServiceErrorCode;
  readonly hint: string;

  constructor(code: ServiceErrorCode, message: string, hint: string) {
    super(message);
    this.name = "ServiceError";
    this.code = code;
    this.hint = hint;
  }
}

/** `127.0.0.1:8080`, `[::1]:8080`; a bare port listens on loopback. */
export function parseAddress(flag: string, text: string): { host: string; port: number } {
  const match = /^(?:(\[[0-9a-fA-F:.]+\]|[^:[\]]*):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65535) {
    throw new ServiceError(
      "bad_flag",
      `'--${flag}' is '${text}', not HOST:PORT.`,
      "Write it as 127.0.0.1:8080; port 0 takes any free one.",
    );
  }
  return { host: (match[1] ?? "").replace(/^\[|\]$/g, "") || "127.0.0.1", port };
}

/** A listener's error in words that name its flag. */
export function listenError(flag: string, host: string, port: number, cause: Error): ServiceError {
  const { code } = cause as { code?: string };
  if (code === "EADDRINUSE") {
    return new ServiceError(
      "address_in_use",
      `${host}:${port} is taken: another process listens there.`,
      `Stop it, or choose another address with --${flag} HOST:PORT.`,
    );
  }
  return new ServiceError(
    "unexpected",
    `Cannot listen on ${host}:${port}: ${cause.message}`,
    `Choose another address with --${flag} HOST:PORT.`,
  );
}
