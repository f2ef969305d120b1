/**
 * Which epoch a packet belongs to, and when a new one begins. A new epoch is a decision, not a
 * number; it throws every book of the stream away, so one packet alone never makes one.
 *
 * - A feed with sessions: a session never seen, once a second packet of it has come. Packets of a
 *   session that is over are late.
 * - A feed without: a line brings a number that it has passed, with bytes that are no copy and an
 *   exchange time later than that of the high-water mark, and a further frame agrees: a
 *   neighbouring number that is later too, or the line's heartbeat naming a number from there on.
 * - Without sessions and exchange times (opaque feeds): 32 rising numbers in a row of that kind.
 *
 * The same care goes for a number far ahead (more than 256): it waits for a second one from there,
 * for its copy on another line, or for the window to pass without the line going back. A damaged
 * number goes to quarantine and opens no gap.
 *
 * Known limits: without sessions, a restart that is first seen above the old high-water mark looks
 * like a gap; a restart of which only one message was ever seen is not believed.
 */
import type { Framing } from "../feed/feed.ts";
import { MessageKind } from "../feed/message-batch.ts";
import { PacketKind } from "../feed/packet-batch.ts";
import type { Arbiter } from "./arbiter.ts";
import type { Arrival } from "./arrival.ts";
import type { EpochRow } from "./ledger.ts";
import { RECOVERY } from "./line.ts";
import type { SequencerOptions } from "./options.ts";
import type { Outlet } from "./outlet.ts";
import type { Quarantine, Reason } from "./quarantine.ts";
import type { Stream } from "./stream.ts";
import { Suspect, SuspectKind } from "./suspect.ts";

/** A jump beyond so many numbers is not believed alone. */
const FAR_NUMBERS = 256;
/** How near a second number has to be to speak for the first. */
const NEAR_NUMBERS = 1024;
const RUN_WITHOUT_TIME = 32;
const PATIENCE_NS = 100e6;
const CONTRADICTIONS = 8;
const SUSPECTS = 4;
const FORMER_SESSIONS = 1024;

export class Epochs {
  private readonly framing: Framing;
  private readonly arbiter: Arbiter;
  private readonly out: Outlet;
  private readonly quarantine: Quarantine;
  private readonly options: SequencerOptions;
  /** The buffer that `Stream.tailOffset` points into. */
  view: DataView = new DataView(new ArrayBuffer(0));

  constructor(
    framing: Framing,
    arbiter: Arbiter,
    out: Outlet,
    quarantine: Quarantine,
    options: SequencerOptions,
  ) {
    this.framing = framing;
    this.arbiter = arbiter;
    this.out = out;
    this.quarantine = quarantine;
    this.options = options;
  }

  /** The slow path: every packet that is not simply next, or a copy. */
  receive(a: Arrival): void {
    const stream = a.line.stream;
    if (!stream.begun) {
      stream.session = a.session;
      this.arbiter.begin(stream, a, stream.epoch === 0 ? "start" : "day");
    }
    if (a.session !== stream.session) this.otherSession(stream, a);
    else if (!this.isOfThisEpoch(stream, a)) this.former(stream, a);
    else if (stream.suspects.length === 0 || !this.weigh(stream, a)) this.consider(stream, a);
  }

  private consider(stream: Stream, a: Arrival): void {
    if (this.isFarAhead(stream, a)) this.suspect(stream, SuspectKind.Jump, a);
    else if (a.kind !== PacketKind.Messages) this.arbiter.heartbeat(a);
    else if (this.looksRestarted(stream, a)) this.suspect(stream, SuspectKind.Restart, a);
    else this.arbiter.accept(a);
  }

  /** Of a stream whose numbers once came back: true if the packet is older than that. */
  isFormer(stream: Stream, a: Arrival): boolean {
    const time = timeOf(this.framing, a);
    if (time <= stream.formerTimeNs) return true;
    // Between the epochs the number tells: the new one's numbers rise with its times.
    return time < stream.epochTimeNs && a.sequence >= stream.epochTimedNumber;
  }

  /**
   * True of a recovered packet that the stream's epoch cannot have: below the highest message seen,
   * and later than it.
   */
  isOfALaterEpoch(stream: Stream, a: Arrival): boolean {
    return a.sequence < stream.timedNumber && timeOf(this.framing, a) > this.highTime(stream);
  }

  /** Suspicions whose window has passed. */
  judge(stream: Stream): void {
    for (const suspect of stream.suspects.slice()) {
      if (!(this.arbiter.nowNs > suspect.deadlineNs)) continue;
      if (suspect.against > 0) this.refuse(stream, suspect);
      else if (this.mayStandAlone(stream, suspect)) this.believeJump(stream, suspect);
      else suspect.deadlineNs = Number.POSITIVE_INFINITY;
    }
  }

  deadline(stream: Stream): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const suspect of stream.suspects) earliest = Math.min(earliest, suspect.deadlineNs);
    return earliest;
  }

  cutWindows(stream: Stream): void {
    const latest = this.arbiter.nowNs + this.patienceNs;
    for (const suspect of stream.suspects) {
      if (suspect.deadlineNs < Number.POSITIVE_INFINITY) {
        suspect.deadlineNs = Math.min(suspect.deadlineNs, latest);
      }
    }
  }

  /** The input is over: nobody will confirm anything any more. */
  finish(stream: Stream): void {
    for (const suspect of stream.suspects.slice()) {
      if (suspect.against === 0 && this.mayStandAlone(stream, suspect)) {
        this.believeJump(stream, suspect);
      } else this.refuse(stream, suspect);
    }
  }

  private get patienceNs(): number {
    return Math.max(this.options.windowNs, PATIENCE_NS);
  }

  // --- where a packet belongs ---------------------------------------------------------------

  private isOfThisEpoch(stream: Stream, a: Arrival): boolean {
    if (a.line.epoch !== stream.epoch) {
      if (!this.joins(stream, a)) return false;
      a.line.enter(stream.epoch);
    }
    return !(stream.guarded && this.isFormer(stream, a));
  }

  private otherSession(stream: Stream, a: Arrival): void {
    if (stream.formerSessions.includes(a.session)) {
      this.former(stream, a);
      return;
    }
    const known = stream.suspects.find(
      (suspect) => suspect.kind === SuspectKind.Session && suspect.newest.session === a.session,
    );
    if (known === undefined) this.suspect(stream, SuspectKind.Session, a);
    else this.switchEpoch(stream, "session", known, a);
  }

  /** True if a line that was last seen in an older epoch shows the stream's own with this packet. */
  private joins(stream: Stream, a: Arrival): boolean {
    if (a.session !== 0) return true;
    const line = a.line;
    const near = a.sequence <= stream.high + FAR_NUMBERS;
    if (a.kind !== PacketKind.Messages) {
      return line.next === 0 ? near : a.sequence < line.next - 1;
    }
    const wentBack = line.next === 0 ? near : a.sequence < line.next;
    const time = timeOf(this.framing, a);
    if (Number.isNaN(time) || Number.isNaN(stream.formerTimeNs)) {
      return wentBack || this.arbiter.isCopy(a);
    }
    return time > stream.formerTimeNs && (wentBack || time >= stream.epochTimeNs);
  }

  /** A packet of an epoch that is over. */
  private former(stream: Stream, a: Arrival): void {
    if (a.kind === PacketKind.Messages) this.arbiter.late(a, a.sequence, a.last);
    else stream.staleHeartbeats++;
  }

  private looksRestarted(stream: Stream, a: Arrival): boolean {
    const line = a.line;
    if (a.session !== 0 || a.messages === 0 || line.index === RECOVERY) return false;
    if (a.sequence > stream.high) return false;
    if (line.next !== 0 && a.sequence >= line.next) return false;
    const time = timeOf(this.framing, a);
    const high = this.highTime(stream);
    if (Number.isNaN(time)) {
      if (!Number.isNaN(high) || line.next === 0 || stream.lost.has(a.sequence)) return false;
      return a.sequence < stream.next && !this.arbiter.isCopy(a);
    }
    if (stream.timedNumber < 0) {
      // Only heartbeats so far: what is too far below to be their past shows that they were damaged.
      return stream.high - a.sequence > Math.max(FAR_NUMBERS, this.options.windowMessages);
    }
    return a.sequence <= stream.timedNumber && time > high && !this.arbiter.isCopy(a);
  }

  private isFarAhead(stream: Stream, a: Arrival): boolean {
    if (a.line.index === RECOVERY) return false;
    const { windowNs, windowMessages } = this.options;
    const far = windowNs > 0 ? FAR_NUMBERS : Math.max(FAR_NUMBERS, windowMessages);
    return a.sequence > stream.high + far;
  }

  /** Exchange time of the highest message seen; NaN if it has none. */
  highTime(stream: Stream): number {
    if (stream.tailOffset >= 0) this.settleTime(stream);
    return stream.highTimeNs;
  }

  /** Reads the time of the message at the high-water mark while its bytes are still there. */
  settleTime(stream: Stream): void {
    const time = this.framing.messageTime(this.view, stream.tailOffset, stream.tailLength);
    stream.tailOffset = -1;
    if (Number.isNaN(time)) return;
    stream.highTimeNs = time;
    stream.timedNumber = stream.tailNumber;
  }

  // --- suspicion ----------------------------------------------------------------------------

  private suspect(stream: Stream, kind: number, a: Arrival): void {
    if (stream.suspects.length >= SUSPECTS) this.refuse(stream, stream.suspects[0]);
    stream.suspects.push(new Suspect(kind, a, a.stampNs + this.patienceNs));
  }

  /** Holds a packet against what waits; true if the packet has been dealt with. */
  private weigh(stream: Stream, a: Arrival): boolean {
    for (const suspect of stream.suspects.slice()) {
      if (suspect.kind === SuspectKind.Jump) {
        if (this.weighJump(stream, suspect, a)) return true;
      } else if (suspect.kind === SuspectKind.Restart) {
        if (this.weighRestart(stream, suspect, a)) return true;
      } else if (a.line === suspect.line) this.contradict(stream, suspect);
    }
    return false;
  }

  private weighJump(stream: Stream, suspect: Suspect, a: Arrival): boolean {
    const waiting = suspect.newest;
    const distance = a.sequence - waiting.sequence;
    const beyond = Math.max(NEAR_NUMBERS, this.options.windowMessages);
    if (distance === 0 && a.kind === waiting.kind) {
      if (a.line !== waiting.line && sameBytes(a, waiting)) suspect.support += 2;
      else suspect.support += a.kind === PacketKind.Messages ? 0 : 1;
      if (suspect.support < 2) {
        if (a.kind === PacketKind.Messages) a.line.duplicates += a.numbers;
        return true;
      }
      this.believeJump(stream, suspect);
      this.receive(a);
      return true;
    }
    const speaksFor = this.isFarAhead(stream, a) && distance >= -NEAR_NUMBERS && distance <= beyond;
    if (speaksFor) {
      this.believeJump(stream, suspect, distance < 0 ? a : undefined);
      if (distance >= 0) this.receive(a);
      return true;
    }
    const wentOn = a.line === suspect.line && a.sequence < waiting.sequence;
    if (wentOn && a.sequence >= a.line.next) this.contradict(stream, suspect);
    return false;
  }

  private weighRestart(stream: Stream, suspect: Suspect, a: Arrival): boolean {
    const waiting = suspect.newest;
    if (a.kind !== PacketKind.Messages) {
      const back = a.sequence >= waiting.last && a.sequence < a.line.next - 1;
      if (a.line !== suspect.line || !back) return false;
      this.switchEpoch(stream, "restart", suspect, a);
      return true;
    }
    const time = timeOf(this.framing, a);
    if (a.line === suspect.line && a.sequence >= a.line.next && a.sequence > waiting.sequence) {
      // The restart may reach the old numbers with its second packet: it continues the suspect.
      const continues = a.sequence === waiting.last + 1;
      if (continues && time >= timeOf(this.framing, waiting)) {
        this.switchEpoch(stream, "restart", suspect, a);
        return true;
      }
      if (a.line.next > 0) {
        this.contradict(stream, suspect);
        return false;
      }
    }
    if (!this.looksRestarted(stream, a)) return false;
    const distance = a.sequence - waiting.sequence;
    if (distance === 0) {
      if (!sameBytes(a, waiting)) return false;
      a.line.duplicates += a.numbers;
      return true;
    }
    if (Math.abs(distance) > NEAR_NUMBERS) return false;
    if (Number.isNaN(time)) return this.weighRun(stream, suspect, a);
    const order = Math.sign(time - timeOf(this.framing, waiting));
    if (order !== 0 && order !== Math.sign(distance)) return false;
    this.switchEpoch(stream, "restart", suspect, a);
    return true;
  }

  /** Without exchange times only a long run of rising numbers is believed. */
  private weighRun(stream: Stream, suspect: Suspect, a: Arrival): boolean {
    if (a.line !== suspect.line || a.sequence <= suspect.newest.sequence) return false;
    if (suspect.arrivals.length + 1 >= RUN_WITHOUT_TIME) {
      this.switchEpoch(stream, "restart", suspect, a);
    } else suspect.arrivals.push(a.kept());
    return true;
  }

  private contradict(stream: Stream, suspect: Suspect): void {
    suspect.against++;
    const patienceIsOver = suspect.deadlineNs === Number.POSITIVE_INFINITY;
    if (suspect.against >= CONTRADICTIONS || patienceIsOver) this.refuse(stream, suspect);
  }

  /** A loss that fits in the window needs no witness, if only its line did not go back. */
  private mayStandAlone(stream: Stream, suspect: Suspect): boolean {
    if (suspect.kind !== SuspectKind.Jump) return false;
    const window = Math.max(FAR_NUMBERS, this.options.windowMessages);
    return suspect.newest.sequence <= stream.high + window;
  }

  /** @param before a packet that came later with a lower number, to be taken first */
  private believeJump(stream: Stream, suspect: Suspect, before?: Arrival): void {
    drop(stream, suspect);
    const packets = before === undefined ? suspect.arrivals : [before, ...suspect.arrivals];
    for (const packet of packets) this.feed(packet);
    this.arbiter.judge(stream);
  }

  private refuse(stream: Stream, suspect: Suspect): void {
    drop(stream, suspect);
    for (const a of suspect.arrivals) {
      if (suspect.kind === SuspectKind.Restart) {
        if (a.last < stream.next) this.arbiter.old(a, a.sequence, a.last);
        else this.arbiter.accept(a);
      } else if (suspect.kind === SuspectKind.Jump) this.setAside(a, "wild_number");
      else this.setAside(a, "unconfirmed_session");
    }
  }

  private setAside(a: Arrival, reason: Reason): void {
    const { frame, sec, nsec, channel, bytes } = a;
    this.quarantine.add(reason, frame, sec, nsec, channel, bytes, 0, bytes.length);
  }

  // --- the switch ---------------------------------------------------------------------------

  private switchEpoch(
    stream: Stream,
    reason: EpochRow["reason"],
    suspect: Suspect,
    a: Arrival,
  ): void {
    drop(stream, suspect);
    const packets = [...suspect.arrivals, a].sort((x, y) => startOf(x) - startOf(y));
    // Another line may cut the same messages into other packets: those belong to this restart too.
    const copies: Arrival[] = [];
    for (const other of stream.suspects.slice()) {
      if (reason === "restart" && overlaps(other.newest, packets)) {
        drop(stream, other);
        copies.push(...other.arrivals);
      } else this.refuse(stream, other);
    }
    const formerTimeNs = this.highTime(stream);
    this.arbiter.close(stream, "epoch");
    if (reason === "session") this.enterSession(stream, a.session);
    stream.reset();
    stream.epoch++;
    stream.guarded = reason === "restart" && !Number.isNaN(formerTimeNs);
    stream.formerTimeNs = formerTimeNs;
    stream.epochTimeNs = Number.NaN;
    for (const packet of packets) {
      if (packet.line.epoch !== stream.epoch) packet.line.enter(stream.epoch);
      const time = timeOf(this.framing, packet);
      if (!(time < stream.epochTimeNs) && !Number.isNaN(stream.epochTimeNs)) continue;
      stream.epochTimeNs = time;
      stream.epochTimedNumber = packet.sequence;
    }
    const { sec, nsec } = this.arbiter;
    this.out.add(MessageKind.Epoch, stream.index, startOf(packets[0]), 0, 0, sec, nsec, 0);
    this.arbiter.begin(stream, packets[0], reason);
    for (const packet of packets) this.feed(packet);
    for (const copy of copies) {
      if (copy.line.epoch !== stream.epoch) copy.line.enter(stream.epoch);
      this.feed(copy);
    }
    this.arbiter.judge(stream);
  }

  /**
   * The trading day is another one: what the stream had is over, whatever numbers come next. Its next
   * packet is the first of the new epoch.
   */
  beginDay(stream: Stream): void {
    if (!stream.begun) return;
    this.finish(stream);
    const formerTimeNs = this.highTime(stream);
    this.arbiter.close(stream, "epoch");
    if (stream.session !== 0) this.enterSession(stream, 0);
    stream.reset();
    stream.epoch++;
    stream.guarded = !Number.isNaN(formerTimeNs);
    stream.formerTimeNs = formerTimeNs;
    stream.epochTimeNs = Number.NaN;
    for (const line of stream.lines) line.enter(stream.epoch);
    const { sec, nsec } = this.arbiter;
    this.out.add(MessageKind.Epoch, stream.index, 1, 0, 0, sec, nsec, 0);
  }

  private enterSession(stream: Stream, session: number): void {
    stream.formerSessions.push(stream.session);
    if (stream.formerSessions.length > FORMER_SESSIONS) stream.formerSessions.shift();
    stream.session = session;
  }

  private feed(a: Arrival): void {
    if (a.kind === PacketKind.Messages) this.arbiter.accept(a);
    else this.arbiter.heartbeat(a);
  }
}

function drop(stream: Stream, suspect: Suspect): void {
  stream.suspects = stream.suspects.filter((other) => other !== suspect);
}

/** True if some number of the packet is also one of theirs. */
function overlaps(a: Arrival, packets: readonly Arrival[]): boolean {
  return packets.some((packet) => a.sequence <= packet.last && packet.sequence <= a.last);
}

/** The number that an epoch that begins with this packet would have first. */
function startOf(a: Arrival): number {
  return a.kind === PacketKind.Messages ? a.sequence : a.sequence + 1;
}

/** Exchange time of a packet's first message; NaN where it has none. */
function timeOf(framing: Framing, a: Arrival): number {
  if (a.messages === 0) return Number.NaN;
  const at = a.firstMessage;
  return framing.messageTime(a.view, a.offsets[at], a.lengths[at]);
}

function sameBytes(a: Arrival, b: Arrival): boolean {
  if (a.messages !== b.messages) return false;
  for (let i = 0; i < a.messages; i++) {
    const length = a.lengths[a.firstMessage + i];
    if (length !== b.lengths[b.firstMessage + i]) return false;
    const x = a.offsets[a.firstMessage + i];
    const y = b.offsets[b.firstMessage + i];
    for (let j = 0; j < length; j++) if (a.bytes[x + j] !== b.bytes[y + j]) return false;
  }
  return true;
}
