/**
 * A TCP server that answers one request a connection, as a core: bytes and time in, effects out.
 *
 *   connected ─► may it? ─► received … 11 bytes ─► spacing? ─► answer, piece by piece ─► close
 *
 * Owns the connections, the limits and the pace; what an answer is, `Answering` decides. Holds each
 * answer whole until it is sent: at most `openLimit` of them. Times never go back.
 */
import { type NseRequest, readRequest } from "../../feed/nse/recovery.ts";
import { REQUEST_LENGTH } from "../../feed/nse/recovery-table.ts";
import { type ServerLimits, serverLimits } from "./limits.ts";
import { Violations } from "./violations.ts";

export interface ServerSink {
  /** The bytes are the receiver's to keep. */
  send(connection: number, bytes: Uint8Array): void;
  close(connection: number): void;
}

export interface Answer {
  readonly bytes: Uint8Array;
  /** How long the answer waits. */
  readonly afterNs: number;
  /** What is served, where the source may change under way: the connection is then cut. */
  readonly version: number;
}

export interface Answering {
  /** True if a new connection is turned away for a reason of the server's own. */
  refuses(nowNs: number): boolean;
  /** Undefined: silence, with the connection left open. */
  answer(request: NseRequest, nowNs: number, violations: Violations): Answer | undefined;
  /** Of a stream's image, that of the newest; of what never changes, 0. */
  version(stream: number): number;
  /** When `advance` must be called for a reason of the server's own; infinite if never. */
  readonly nextNs: number;
  advance(nowNs: number): void;
}

interface Connection {
  readonly client: string;
  readonly openedNs: number;
  readonly asked: Uint8Array;
  askedBytes: number;
  stream: number;
  answer: Answer | undefined;
  /** When the answer's next piece is due; infinite without one. */
  dueNs: number;
  sent: number;
}

const PIECE_BYTES = 16_384;
const SECOND_NS = 1e9;
const CLIENTS_LIMIT = 1024;
const NEVER = Number.POSITIVE_INFINITY;

export class OneRequestServer {
  readonly limits: ServerLimits;
  readonly violations = new Violations();
  /** Connections taken, requests answered with success or error, bytes handed out. */
  connects = 0;
  requests = 0;
  bytesSent = 0;

  private readonly answering: Answering;
  private readonly sink: ServerSink;
  private readonly connections = new Map<number, Connection>();
  /** By client: when it may ask again, and its connects of the last second. */
  private readonly mayAskNs = new Map<string, number>();
  private readonly connectsOf = new Map<string, number[]>();

  constructor(answering: Answering, sink: ServerSink, limits: Partial<ServerLimits> = {}) {
    this.answering = answering;
    this.sink = sink;
    this.limits = serverLimits(limits);
  }

  get open(): number {
    return this.connections.size;
  }

  /** When `advance` has something to do; infinite if nothing is under way. */
  get nextNs(): number {
    let next = this.answering.nextNs;
    for (const { answer, dueNs, openedNs, askedBytes } of this.connections.values()) {
      const isAsked = askedBytes === REQUEST_LENGTH;
      const due = answer !== undefined ? dueNs : isAsked ? NEVER : this.askByNs(openedNs);
      if (due < next) next = due;
    }
    return next;
  }

  /** @param client who connects, as its address tells: limits are each client's */
  connected(id: number, nowNs: number, client = ""): void {
    this.advance(nowNs);
    this.connects++;
    const { limits, violations } = this;
    const recent = (this.connectsOf.get(client) ?? []).filter((at) => at > nowNs - SECOND_NS);
    recent.push(nowNs);
    remember(this.connectsOf, client, recent.slice(-limits.connectsPerSecond - 1));
    const own = [...this.connections.values()].filter((one) => one.client === client).length;
    if (own >= limits.connections) {
      violations.add("connections", nowNs, `${own + 1} connections of one client`);
    } else if (recent.length > limits.connectsPerSecond) {
      violations.add("connectRate", nowNs, `${recent.length} connects in a second`);
    } else if (this.open < limits.openLimit && !this.answering.refuses(nowNs)) {
      this.connections.set(id, {
        ...{ client, openedNs: nowNs, asked: new Uint8Array(REQUEST_LENGTH), askedBytes: 0 },
        ...{ stream: 0, answer: undefined, dueNs: NEVER, sent: 0 },
      });
      return;
    }
    this.sink.close(id);
  }

  received(id: number, bytes: Uint8Array, nowNs: number): void {
    this.advance(nowNs);
    const connection = this.connections.get(id);
    if (connection === undefined || bytes.length === 0) return;
    const room = REQUEST_LENGTH - connection.askedBytes;
    connection.asked.set(bytes.subarray(0, room), connection.askedBytes);
    connection.askedBytes += Math.min(room, bytes.length);
    if (bytes.length > room) {
      this.violations.add("secondRequest", nowNs, `${bytes.length - room} bytes after the request`);
      this.end(id);
    } else if (connection.askedBytes === REQUEST_LENGTH) this.ask(id, connection, nowNs);
  }

  /** The client is gone. */
  closed(id: number): void {
    this.connections.delete(id);
  }

  /** Sends what is due by now, cuts what was refreshed, and ends who did not ask in time. */
  advance(nowNs: number): void {
    this.answering.advance(nowNs);
    for (const [id, connection] of this.connections) {
      const { answer, stream, askedBytes, openedNs } = connection;
      const isAsked = askedBytes === REQUEST_LENGTH;
      if (answer !== undefined) {
        this.sendDue(id, connection, answer, nowNs);
        // What was due before the refresh has been sent; the rest is of an image that is gone.
        const isCut = answer.version !== this.answering.version(stream);
        if (isCut && this.connections.has(id)) this.end(id);
      } else if (!isAsked && nowNs >= this.askByNs(openedNs)) {
        this.violations.add("slowToAsk", nowNs, `connected at ${openedNs}ns`);
        this.end(id);
      }
    }
  }

  private askByNs(openedNs: number): number {
    return openedNs + this.limits.askWithinNs;
  }

  private ask(id: number, connection: Connection, nowNs: number): void {
    const { asked, client } = connection;
    const request = readRequest(new DataView(asked.buffer), 0, REQUEST_LENGTH);
    if (request === undefined) {
      this.violations.add("malformed", nowNs, `begins with byte ${asked[0]}`);
      this.end(id);
      return;
    }
    this.requests++;
    this.space(client, nowNs);
    connection.stream = request.stream;
    connection.answer = this.answering.answer(request, nowNs, this.violations);
    if (connection.answer === undefined) return;
    connection.dueNs = nowNs + connection.answer.afterNs;
    this.sendDue(id, connection, connection.answer, nowNs);
  }

  /** Requests may come a little early now and then, but not on average. */
  private space(client: string, nowNs: number): void {
    const { spacingNs, spacingSlackNs } = this.limits;
    const dueNs = this.mayAskNs.get(client) ?? Number.NEGATIVE_INFINITY;
    if (nowNs < dueNs - spacingSlackNs) {
      this.violations.add("spacing", nowNs, `${dueNs - nowNs}ns too early`);
    }
    remember(this.mayAskNs, client, Math.max(dueNs, nowNs) + spacingNs);
  }

  private sendDue(id: number, connection: Connection, answer: Answer, nowNs: number): void {
    const { bytes } = answer;
    const pieceNs = (PIECE_BYTES / this.limits.bytesPerSecond) * SECOND_NS;
    while (connection.dueNs <= nowNs && connection.sent < bytes.length) {
      const piece = bytes.subarray(connection.sent, connection.sent + PIECE_BYTES);
      connection.sent += piece.length;
      connection.dueNs += pieceNs;
      this.bytesSent += piece.length;
      this.sink.send(id, piece);
    }
    if (connection.sent === bytes.length) this.end(id);
  }

  private end(id: number): void {
    this.connections.delete(id);
    this.sink.close(id);
  }
}

/** Forgets the client of longest ago where there are too many. */
function remember<V>(of: Map<string, V>, client: string, value: V): void {
  of.delete(client);
  of.set(client, value);
  if (of.size > CLIENTS_LIMIT) of.delete(of.keys().next().value ?? "");
}
