/** Edge: who we are to a book service that asks: the token of EDGEBOOK_TOKEN, which no flag may hold. */
export function tokenHeaders(): Readonly<Record<string, string>> {
  const token = process.env.EDGEBOOK_TOKEN;
  return token === undefined || token === "" ? {} : { Authorization: `Bearer ${token}` };
}
