/** `kcat`, somebody else's client, reads what we wrote to Kafka. */
import type { KafkaBroker } from "../scripts/kafka/broker.ts";

/**
 * All records of a topic, one a line, by kcat's format.
 * @returns undefined after a line that says why not, where kcat is not there; in CI that is a failure
 */
export function kcat(broker: KafkaBroker, topic: string, format: string): string | undefined {
  const bytes = kcatBytes(broker, topic, `${format}\n`);
  return bytes?.toString().trimEnd();
}

export function kcatBytes(broker: KafkaBroker, topic: string, format: string): Buffer | undefined {
  const program = Bun.which("kcat");
  if (program === null) {
    if (process.env.CI) throw new Error("kcat is not installed");
    console.log("not run: kcat is not installed");
    return undefined;
  }
  const words = ["-C", "-q", "-e", "-b", broker.brokers, "-t", topic, "-o", "beginning"];
  const done = Bun.spawnSync([program, ...words, "-f", format], { timeout: 60_000 });
  if (done.exitCode !== 0) throw new Error(`kcat: ${done.stderr.toString()}`);
  return done.stdout;
}
