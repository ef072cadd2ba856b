// Builds everything the package ships into dist/: the bundle, the generated grammars, the notices of bundled packages.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const grammars = join(root, "../../grammars/textmate");

async function copyGrammars() {
  const target = join(root, "dist/grammars");
  await mkdir(target, { recursive: true });
  for (const name of ["gotrace.tmLanguage.json", "gotrace.injection.json"]) {
    try {
      await copyFile(join(grammars, name), join(target, name));
    } catch (error) {
      throw new Error(`copy grammar "grammars/textmate/${name}" (written by \`cargo xtask codegen\`): ${error.message}`);
    }
  }
}

/** The license texts of the packages that ended up in the bundle, in the order of their names. */
async function notices(metafile) {
  const folders = new Set();
  for (const input of Object.keys(metafile.inputs)) {
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match !== null) folders.add(match[1]);
  }
  const parts = [];
  for (const folder of [...folders].sort()) {
    const { name, version, license } = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"));
    const file = (await readdir(join(root, folder))).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`bundled package ${name} carries no license text`);
    const text = await readFile(join(root, folder, file), "utf8");
    parts.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
  }
  return `The extension contains these packages.\n\n${parts.join(`\n${"-".repeat(80)}\n\n`)}`;
}

await copyGrammars();
const result = await build({
  absWorkingDir: root,
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  bundle: true,
  minify: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  external: ["vscode"],
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
});
await writeFile(join(root, "dist/NOTICES.txt"), await notices(result.metafile));
