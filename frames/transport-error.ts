/** Edge: what can be wrong with where chunks go or come from, with how to mend it. */

export type TransportErrorCode = "bad_flag" | "file_not_writable" | "file_not_readable";

export class TransportError extends Error {
  readonly code: TransportErrorCode;
  readonly hint: string;

  constructor(code: TransportErrorCode, message: string, hint: string) {
    super(message);
    this.name = "TransportError";
    this.code = code;
    this.hint = hint;
  }
}
