/** The exchange's rules for those who ask; each a parameter, so that small checks reach it. */

export interface ServerLimits {
  /** Connections of one client at the same time, and connects in any second. */
  readonly connections: number;
  readonly connectsPerSecond: number;
  /** Least time between two requests of one client. */
  readonly spacingNs: number;
  /** How far a request may come before its time: sockets and timers are not exact. */
  readonly spacingSlackNs: number;
  /** The request must follow the connect within this. */
  readonly askWithinNs: number;
  readonly messagesPerRequest: number;
  /** What one connection brings. */
  readonly bytesPerSecond: number;
  /** Connections open at the same time, of all clients: beyond it they are turned away. */
  readonly openLimit: number;
}

export const NSE_LIMITS: ServerLimits = {
  connections: 13,
  connectsPerSecond: 100,
  spacingNs: 10e6,
  // A clock of nanoseconds in a double of the present day is exact to 256.
  spacingSlackNs: 1_000,
  askWithinNs: 1e9,
  messagesPerRequest: 300_000,
  bytesPerSecond: 125e6,
  openLimit: 64,
};

/** A limit that cannot be; the message says which. */
export class LimitError extends Error {
  readonly code = "bad_server_limit";

  constructor(message: string) {
    super(message);
    this.name = "LimitError";
  }
}

export function serverLimits(given: Partial<ServerLimits>): ServerLimits {
  const limits = { ...NSE_LIMITS, ...given };
  for (const [name, value] of Object.entries(limits)) {
    const least = name.endsWith("Ns") ? 0 : 1;
    if (!(value >= least))
      throw new LimitError(`${name} is ${value}, and must be ${least} or more`);
  }
  return limits;
}
