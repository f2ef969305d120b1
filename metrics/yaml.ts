/** Writes plain values as YAML that people like to read; strings that YAML could misread are quoted. */
export type Yaml = string | number | readonly Yaml[] | { readonly [key: string]: Yaml };

export function yaml(value: Yaml, indent = ""): string {
  if (typeof value === "string" || typeof value === "number") return `${scalar(value)}\n`;
  if (Array.isArray(value)) {
    return value.map((each: Yaml) => `${indent}- ${below(each, `${indent}  `)}`).join("");
  }
  return Object.entries(value)
    .map(([key, each]) => {
      if (Array.isArray(each) && each.length === 0) return `${indent}${scalar(key)}: []\n`;
      const isFlat = typeof each !== "object";
      const begin = `${indent}${scalar(key)}:`;
      return isFlat ? `${begin} ${yaml(each)}` : `${begin}\n${yaml(each, `${indent}  `)}`;
    })
    .join("");
}

/** The first line stands behind the dash. */
function below(value: Yaml, indent: string): string {
  return yaml(value, indent).slice(typeof value === "object" ? indent.length : 0);
}

function scalar(value: string | number): string {
  if (typeof value === "number" || /^[A-Za-z][\w./ -]*[\w/]$/.test(value)) {
    return /^(true|false|yes|no|on|off|null)$/i.test(String(value)) ? `"${value}"` : String(value);
  }
  // In the way that formatters would write it.
  const isPlain = typeof value === "string" && value.includes('"') && !/['\\\n]/.test(value);
  return isPlain ? `'${value}'` : JSON.stringify(value);
}
