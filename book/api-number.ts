/** Whole numbers as they stand in a query. */
import { ApiError } from "./http-error.ts";

/** @throws ApiError that names the parameter and its range */
export function integer(
  name: string,
  text: string,
  fallback: number,
  most: number,
  least = 1,
): number {
  if (text === "") return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  const said = text.slice(0, 40);
  throw new ApiError(
    "bad_parameter",
    `${name} is '${said}', not a number from ${least} to ${most}`,
  );
}
