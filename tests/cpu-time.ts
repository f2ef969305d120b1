/** Edge: what this process has computed, which does not depend on how busy the machine is. */

/** Processor time of all its threads so far, ms. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
