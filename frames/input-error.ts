/** Why an input cannot be read at all; what is only damaged is counted, not thrown. */
export type InputErrorCode =
  | "file_not_found"
  | "file_unreadable"
  | "not_a_capture"
  | "bad_compression"
  | "bad_channel_file";

export class InputError extends Error {
  readonly code: InputErrorCode;
  /** The file, or `-` for standard input. */
  readonly path: string;
  /** How to mend it. */
  readonly hint: string;

  constructor(code: InputErrorCode, path: string, message: string, hint: string) {
    super(message);
    this.name = "InputError";
    this.code = code;
    this.path = path;
    this.hint = hint;
  }
}
