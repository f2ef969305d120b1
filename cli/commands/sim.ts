/** `edgebook sim`: finds which of its parts is meant; each is a command of its own. */
import type { Command, CommandEntry } from "../command.ts";
import { CliError } from "../errors.ts";
import { nearest } from "../nearest.ts";

export const subcommands: Readonly<Record<string, CommandEntry>> = {
  serve: {
    summary: "the simulated exchange on the wire, or as a capture",
    load: () => import("./sim-serve.ts"),
  },
  expect: {
    summary: "the books that the simulated exchange must give",
    load: () => import("./sim-expect.ts"),
  },
  check: {
    summary: "random exchanges and faults through the production cores: what must hold",
    load: () => import("./sim-check.ts"),
  },
  canary: {
    summary: "broken variants of edgebook, and what of the check catches each",
    needsCheckout: "the sources that it breaks a copy of",
    load: () => import("./sim-canary.ts"),
  },
};

const names = Object.keys(subcommands);
const width = Math.max(...names.map((name) => name.length));

export const command: Command = {
  args: { placeholder: names.join("|"), atLeast: 0, atMost: Number.POSITIVE_INFINITY },
  flags: [],
  help: [
    "A simulated exchange, its faults, and what judges a feed handler by them:",
    ...names.map((name) => `${name.padEnd(width)}  ${subcommands[name].summary}`),
    "'edgebook sim serve --help' tells about one of them.",
  ].join("\n"),
  examples: [
    ["edgebook sim serve --seed 7", "an exchange on loopback multicast until Ctrl-C"],
    ["edgebook sim serve --seed 7 --duration 10s --write-pcap day.pcap", "the same as a capture"],
    ["edgebook sim expect --seed 7 --duration 10s --final", "the books at its end"],
  ],
  async run({ args }) {
    const [part] = args;
    const close = part === undefined ? undefined : nearest(part, names);
    const hint = close === undefined ? "" : ` Did you mean ${close}?`;
    throw new CliError(
      "bad_argument",
      part === undefined ? "sim does what?" : `sim has no part '${part}'.`,
      `Write edgebook sim ${names.join(" or edgebook sim ")}.${hint}`,
    );
  },
};
