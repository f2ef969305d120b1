/** A copy of an array as it was when the copy was begun, made while the array's owner goes on. */
export interface LaterCopy {
  /** All of it is there, or it was abandoned. */
  readonly isWhole: boolean;
  /** Copies some more, about `bytes`, at least something. @returns bytes that were copied */
  step(bytes: number): number;
  /** Nobody wants it any more: what was to be copied to is not touched again. */
  abandon(): void;
}
