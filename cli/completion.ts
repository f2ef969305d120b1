/**
 * Shell completion, made from the command table: scripts for bash, zsh and fish that know every
 * command, every flag and the values of flags that have a list. They run nothing of edgebook.
 */
import { FEED_IDS } from "../feed/registry.ts";
import type { CommandEntry, FlagSpec } from "./command.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** A command as it is typed: `rebuild`, `sim check`. */
export interface CompletedCommand {
  readonly words: string;
  readonly summary: string;
  readonly flags: readonly FlagSpec[];
  /** Files may follow. */
  readonly takesFiles: boolean;
  /** Its parts, by name; empty where it has none. */
  readonly parts: readonly string[];
}

/** Every command of the table and every part of one, loaded. */
export async function completedCommands(
  table: Readonly<Record<string, CommandEntry>>,
  before = "",
): Promise<CompletedCommand[]> {
  const rows: CompletedCommand[] = [];
  for (const [name, entry] of Object.entries(table)) {
    const { command, subcommands = {} } = await entry.load();
    const words = `${before}${name}`;
    const parts = Object.keys(subcommands);
    const takesFiles = parts.length === 0 && /FILE|DIR|A B/.test(command.args.placeholder);
    rows.push({ words, summary: entry.summary, flags: command.flags, takesFiles, parts });
    rows.push(...(await completedCommands(subcommands, `${words} `)));
  }
  return rows;
}

export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  if (shell === "bash") return bash(commands);
  return shell === "zsh" ? zsh(commands) : fish(commands);
}

/** The values to offer after a flag: a list, files, or nothing that could be known. */
function offered(flag: FlagSpec): readonly string[] | "files" | undefined {
  if (flag.values !== undefined) return flag.values;
  if (flag.name === "feed") return FEED_IDS;
  return /FILE|DIR|PATH|PLACE/.test(flag.placeholder ?? "") ? "files" : undefined;
}

const topLevel = (commands: readonly CompletedCommand[]) =>
  commands.filter(({ words }) => !words.includes(" "));

/** The first sentence, as the one line that shells show. */
function line(text: string): string {
  return text
    .split("\n")[0]
    .split(/(?<=[.;]) /)[0]
    .replace(/[.;]$/, "");
}

function bash(commands: readonly CompletedCommand[]): string {
  const names = topLevel(commands).map(({ words }) => words);
  const cases = commands.map(({ words, flags, takesFiles, parts }) => {
    const values = flags.map((flag) => [flag, offered(flag)] as const);
    const listed = values.flatMap(([{ name }, what]) =>
      Array.isArray(what) ? [`      --${name}) offer="${what.join(" ")}" ;;`] : [],
    );
    const paths = values.filter(([, what]) => what === "files").map(([{ name }]) => `--${name}`);
    const other = values
      .filter(([{ kind }, what]) => kind !== "boolean" && what === undefined)
      .map(([{ name }]) => `--${name}`);
    const all = [...flags.map(({ name }) => `--${name}`), "--help"].join(" ");
    const rest = parts.length > 0 ? `offer="${parts.join(" ")}"` : takesFiles ? "files=1" : ":";
    return [
      `    "${words}") case "$before" in`,
      ...listed,
      ...(paths.length > 0 ? [`      ${paths.join("|")}) files=1 ;;`] : []),
      ...(other.length > 0 ? [`      ${other.join("|")}) ;;`] : []),
      `      *) if [[ "$word" == -* ]]; then offer="${all}"; else ${rest}; fi ;;`,
      "    esac ;;",
    ].join("\n");
  });
  const withParts = commands.filter(({ parts }) => parts.length > 0);
  const keys = withParts.map(
    ({ words, parts }) =>
      `    ${words}) case "\${COMP_WORDS[2]}" in ${parts.join("|")}) (( COMP_CWORD > 2 )) && key="${words} \${COMP_WORDS[2]}" ;; esac ;;`,
  );
  return `# bash completion for edgebook; put it where bash looks: edgebook completion bash > ~/.local/share/bash-completion/completions/edgebook
_edgebook() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" offer="" files=""
  # Bash cuts --flag=value at the equals sign.
  if [[ "$word" == "=" ]]; then word=""
  elif [[ "$before" == "=" ]]; then before="\${COMP_WORDS[COMP_CWORD-2]}"; fi
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W "${names.join(" ")} --help --version" -- "$word"))
    return
  fi
  local key="\${COMP_WORDS[1]}"
  case "$key" in
${keys.join("\n")}
  esac
  case "$key" in
${cases.join("\n")}
  esac
  if [[ -n "$offer" ]]; then COMPREPLY=($(compgen -W "$offer" -- "$word")); fi
  if [[ -n "$files" ]]; then COMPREPLY=($(compgen -f -- "$word")); fi
}
complete -o filenames -F _edgebook edgebook bin/edgebook
`;
}

function zsh(commands: readonly CompletedCommand[]): string {
  const quoted = (text: string) => text.replaceAll("'", "'\\''");
  const inBrackets = (text: string) =>
    quoted(line(text).replace(/[[\]:\\]/g, (found) => `\\${found}`));
  const described = (of: readonly CompletedCommand[], last: (words: string) => string) =>
    of.map(({ words, summary }) => `'${last(words)}:${quoted(line(summary))}'`).join(" ");
  const cases = commands
    .filter(({ parts }) => parts.length === 0)
    .map(({ words, flags, takesFiles }) => {
      const specs = flags.map((flag) => {
        const many = flag.repeatable ? "*" : "";
        if (flag.kind === "boolean") return `'${many}--${flag.name}[${inBrackets(flag.doc)}]'`;
        const what = offered(flag);
        const action =
          what === "files" ? "_files" : what === undefined ? " " : `(${what.join(" ")})`;
        const value = quoted(flag.placeholder ?? flag.kind).replaceAll(":", "\\:");
        return `'${many}--${flag.name}=[${inBrackets(flag.doc)}]:${value}:${action}'`;
      });
      const rest = takesFiles ? ["'*:file:_files'"] : [];
      return `    '${words}') _arguments ${[...specs, ...rest, "'--help[tell about this command]'"].join(" ")} ;;`;
    });
  const parents = commands.filter(({ parts }) => parts.length > 0);
  const families = parents.map(({ words }) => {
    const own = commands.filter((each) => each.words.startsWith(`${words} `));
    return `    ${words})
      if (( CURRENT == 3 )); then
        found=(${described(own, (text) => text.slice(words.length + 1))})
        _describe part found
        return
      fi
      key="${words} $words[3]"; shift words; (( CURRENT-- )) ;;`;
  });
  return `#compdef edgebook
# zsh completion for edgebook; into a folder of $fpath: edgebook completion zsh > _edgebook
_edgebook() {
  local -a found
  if (( CURRENT == 2 )); then
    found=(${described(topLevel(commands), (text) => text)})
    _describe command found
    return
  fi
  local key=$words[2]
  case "$key" in
${families.join("\n")}
  esac
  shift words; (( CURRENT-- ))
  case "$key" in
${cases.join("\n")}
  esac
}
_edgebook "$@"
`;
}

function fish(commands: readonly CompletedCommand[]): string {
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = topLevel(commands).map(
    ({ words, summary }) =>
      `complete -c edgebook -n __fish_use_subcommand -a ${words} -d ${quoted(line(summary))}`,
  );
  for (const { words, summary, flags, takesFiles, parts } of commands) {
    const [parent, part] = words.split(" ");
    const under = `__fish_seen_subcommand_from ${parent}`;
    const when = part === undefined ? under : `${under}; and __fish_seen_subcommand_from ${part}`;
    const condition = quoted(when);
    if (part !== undefined) {
      const free = quoted(`${under}; and not __fish_seen_subcommand_from ${part}`);
      lines.push(`complete -c edgebook -n ${free} -a ${part} -d ${quoted(line(summary))}`);
    }
    if (takesFiles && parts.length === 0) lines.push(`complete -c edgebook -n ${condition} -F`);
    for (const flag of flags) {
      const what = offered(flag);
      const value =
        flag.kind === "boolean"
          ? ""
          : what === "files"
            ? " -rF"
            : ` -x${what === undefined ? "" : ` -a ${quoted(what.join(" "))}`}`;
      lines.push(
        `complete -c edgebook -n ${condition} -l ${flag.name}${value} -d ${quoted(line(flag.doc))}`,
      );
    }
  }
  return `# fish completion for edgebook: edgebook completion fish > ~/.config/fish/completions/edgebook.fish
complete -c edgebook -f
${lines.join("\n")}
`;
}
