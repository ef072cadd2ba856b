/** The files in which GODEBUG is set. Knows their languages only; what is in them is the server's business. */

/** Languages in whose files GODEBUG is set; the manifest activates the extension for them. */
export const GODEBUG_LANGUAGES = [
  "dockercompose",
  "dockerfile",
  "dotenv",
  "github-actions-workflow",
  "go",
  "go.mod",
  "go.work",
  "makefile",
  "shellscript",
  "systemd-conf",
  "systemd-unit-file",
  "yaml",
];

/** The files in which a running server helps to set GODEBUG: none unless the user has switched that on. */
export function godebugSelector(enabled: boolean): { language: string; scheme: string; pattern?: string }[] {
  if (!enabled) {
    return [];
  }
  const files = GODEBUG_LANGUAGES.map((language) => ({ language, scheme: "file" }));
  // What .env files are where nothing knows them.
  return [...files, { language: "properties", scheme: "file", pattern: "**/{.env*,*.env}" }];
}
