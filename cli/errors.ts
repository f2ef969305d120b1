/**
 * Every error that a command ends with: a closed list of codes, each with its exit code. An error
 * says what is wrong (`message`) and how to mend it (`hint`).
 */

/** The exit codes of the public interface. */
export const Exit = { Done: 0, Failed: 1, Usage: 2, Damaged: 3, Interrupted: 130 } as const;

const EXIT_OF_CODE = {
  unknown_command: Exit.Usage,
  not_in_binary: Exit.Usage,
  unknown_flag: Exit.Usage,
  bad_flag: Exit.Usage,
  bad_argument: Exit.Usage,
  unknown_feed: Exit.Usage,
  feed_needed: Exit.Usage,
  schema_not_offered: Exit.Usage,
  bad_channel_file: Exit.Usage,
  bad_masters_file: Exit.Usage,
  bad_config: Exit.Usage,
  output_exists: Exit.Usage,
  not_a_capture: Exit.Failed,
  not_row_files: Exit.Failed,
  bad_compression: Exit.Failed,
  file_not_found: Exit.Failed,
  file_unreadable: Exit.Failed,
  file_not_readable: Exit.Failed,
  file_not_writable: Exit.Failed,
  address_in_use: Exit.Failed,
  no_such_interface: Exit.Failed,
  cannot_join: Exit.Failed,
  not_permitted: Exit.Failed,
  tool_missing: Exit.Failed,
  bad_address: Exit.Usage,
  broker_unreachable: Exit.Failed,
  bad_certificate: Exit.Failed,
  service_unreachable: Exit.Failed,
  service_refused: Exit.Failed,
  damaged_input: Exit.Damaged,
  interrupted: Exit.Interrupted,
  unexpected: Exit.Failed,
} as const satisfies Record<string, number>;

export type ErrorCode = keyof typeof EXIT_OF_CODE;

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(EXIT_OF_CODE, code);
}

export class CliError extends Error {
  readonly code: ErrorCode;
  /** How to mend it; one line, may be empty. */
  readonly hint: string;

  constructor(code: ErrorCode, message: string, hint = "", cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "CliError";
    this.code = code;
    this.hint = hint;
  }

  get exitCode(): number {
    return EXIT_OF_CODE[this.code];
  }
}

/** Codes of the operating system that a person can mend, in the words of the list above. */
const SYSTEM_CODES: Record<string, [ErrorCode, string]> = {
  ENOENT: ["file_not_found", "Check the path; '-' reads standard input."],
  EACCES: ["file_unreadable", "Check the permissions."],
  EISDIR: ["file_unreadable", "This is a directory; name a file in it."],
  ENOSPC: ["file_not_writable", "The disk is full; free some space or choose another --out."],
  EROFS: ["file_not_writable", "The file system is read-only; choose another --out."],
  EADDRINUSE: ["address_in_use", "Another process listens there; stop it or choose another port."],
};

/** Any thrown thing as an error of the list: errors of other rooms keep their code and hint. */
export function asCliError(thrown: unknown): CliError {
  if (thrown instanceof CliError) return thrown;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { code, hint } = error as { code?: unknown; hint?: unknown };
  if (isErrorCode(code)) {
    return new CliError(code, error.message, typeof hint === "string" ? hint : "", error);
  }
  const known = typeof code === "string" ? SYSTEM_CODES[code] : undefined;
  if (known) return new CliError(known[0], error.message, known[1], error);
  return new CliError(
    "unexpected",
    error.message,
    "EDGEBOOK_DEBUG=1 prints where it came from.",
    error,
  );
}
