/** A dictionary's file as an import: where it is, also within the one-file binary. */
declare module "*.zdict" {
  const path: string;
  export default path;
}
