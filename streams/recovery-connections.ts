/**
 * Where the recovery cores leave what they want of the network, and where its answers come in. An
 * edge carries the effects out, a simulator does so on virtual time; each connection belongs to one
 * caller, which forgets it when either side closes.
 */
export type Endpoint = "ticks" | "snapshot";

export type RecoveryEffect =
  | { readonly kind: "connect"; readonly id: number; readonly endpoint: Endpoint }
  | { readonly kind: "send"; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: "close"; readonly id: number };

/** Who is told what becomes of a connection. */
export interface Caller {
  connected(id: number, nowNs: number): void;
  /** @param bytes valid during the call; of UDP one datagram */
  received(id: number, bytes: Uint8Array, nowNs: number): void;
  /** The other side closed, or could not be reached. */
  closed(id: number, nowNs: number): void;
}

export class Connections {
  private effects: RecoveryEffect[] = [];
  private readonly callers = new Map<number, Caller>();
  private newest = 0;

  get open(): number {
    return this.callers.size;
  }

  /** What is to be done, in order; each effect is given once. */
  take(): readonly RecoveryEffect[] {
    const taken = this.effects;
    if (taken.length > 0) this.effects = [];
    return taken;
  }

  connect(endpoint: Endpoint, caller: Caller): number {
    const id = ++this.newest;
    this.callers.set(id, caller);
    this.effects.push({ kind: "connect", id, endpoint });
    return id;
  }

  send(id: number, bytes: Uint8Array): void {
    this.effects.push({ kind: "send", id, bytes });
  }

  /** Nothing of this connection is heard any more. */
  close(id: number): void {
    if (this.callers.delete(id)) this.effects.push({ kind: "close", id });
  }

  connected(id: number, nowNs: number): void {
    this.callers.get(id)?.connected(id, nowNs);
  }

  received(id: number, bytes: Uint8Array, nowNs: number): void {
    this.callers.get(id)?.received(id, bytes, nowNs);
  }

  closed(id: number, nowNs: number): void {
    const caller = this.callers.get(id);
    this.callers.delete(id);
    caller?.closed(id, nowNs);
  }
}
