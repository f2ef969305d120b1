/**
 * What KEDA and Kubernetes' autoscaler make of a workload's lag, second by second.
 *
 * KEDA looks every `pollingInterval` whether there should be any replica at all: the calendar says so,
 * or there is lag. It makes the first one, and takes the last away after the cool-down. Between one
 * and the most it is the autoscaler, every 15 s: the largest wish of the calendar and the lag, with a
 * tolerance of a tenth, not lower than any wish of the stabilization window, in the steps of the rules.
 */
import type { ScaleRules, WorkloadNumbers } from "./plan-numbers.ts";

const SYNC_SECONDS = 15;
const TOLERANCE = 0.1;

export class Autoscaler {
  /** Replicas that are wanted; pods follow. */
  replicas = 0;
  private readonly of: WorkloadNumbers;
  private lastActive = Number.NEGATIVE_INFINITY;
  private readonly wishes: { readonly at: number; readonly replicas: number }[] = [];
  private readonly changes: { readonly at: number; readonly before: number }[] = [];

  constructor(of: WorkloadNumbers) {
    this.of = of;
  }

  /** @param at second of the day @param lagRecords records of Kafka that wait */
  step(at: number, lagRecords: number): void {
    if (at % this.of.pollingSeconds === 0) this.activate(at, lagRecords);
    if (at % SYNC_SECONDS === 0 && this.replicas > 0) this.sync(at, lagRecords);
  }

  private activate(at: number, lagRecords: number): void {
    const { lag, cooldownSeconds } = this.of;
    const hasLag = lag !== undefined && lagRecords > lag.activationRecords;
    if (this.isOpen(at) || hasLag) {
      this.lastActive = at;
      if (this.replicas === 0) this.set(at, 1);
    } else if (this.replicas > 0 && at - this.lastActive >= cooldownSeconds) this.set(at, 0);
  }

  private sync(at: number, lagRecords: number): void {
    const wish = Math.min(this.of.replicasMax, this.wish(at, lagRecords));
    this.wishes.push({ at, replicas: wish });
    const { up, down } = this.of;
    while (this.wishes[0].at < at - down.stabilizationWindowSeconds) this.wishes.shift();
    if (wish > this.replicas) this.set(at, Math.min(wish, this.allowed(at, up, 1)));
    else {
      const held = Math.max(...this.wishes.map((each) => each.replicas));
      if (held < this.replicas) this.set(at, Math.max(held, this.allowed(at, down, -1), 1));
    }
  }

  private wish(at: number, lagRecords: number): number {
    const { calendar, lag } = this.of;
    const byCalendar = this.isOpen(at) ? calendar.replicas : 1;
    if (lag === undefined) return byCalendar;
    const ratio = lagRecords / (lag.recordsPerReplica * this.replicas);
    const isNear = Math.abs(ratio - 1) <= TOLERANCE;
    const byLag = isNear ? this.replicas : Math.ceil(lagRecords / lag.recordsPerReplica);
    return Math.max(byCalendar, byLag, 1);
  }

  /** The furthest that the rules allow to go now; the most generous of them counts. */
  private allowed(at: number, { policies }: ScaleRules, sign: 1 | -1): number {
    const ends = policies.map(({ type, value, periodSeconds }) => {
      const start = this.replicasAt(at - periodSeconds);
      const step = type === "Pods" ? value : Math.ceil((start * value) / 100);
      return start + sign * step;
    });
    return sign === 1 ? Math.max(...ends) : Math.min(...ends);
  }

  private replicasAt(at: number): number {
    return this.changes.find((change) => change.at > at)?.before ?? this.replicas;
  }

  private set(at: number, replicas: number): void {
    if (replicas === this.replicas) return;
    this.changes.push({ at, before: this.replicas });
    this.replicas = replicas;
  }

  private isOpen(at: number): boolean {
    return at >= this.of.calendar.from && at < this.of.calendar.until;
  }
}
