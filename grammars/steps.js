// Counts what the matcher of VS Code does, so that a test of its cost does not hang on the speed of a machine.

import binaryen from "binaryen";

let taken = 0;

/** Steps of the matcher so far: loops gone round and functions called in its WebAssembly. */
export const steps = () => taken;

/** The matcher with a counter at each loop and function, as `loadWASM` takes it. */
export function counted(bytes) {
  const shipped = binaryen.readBinary(bytes);
  shipped.runPasses(["log-execution"]);
  const module = new WebAssembly.Module(shipped.emitBinary());
  shipped.dispose();
  const count = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    if (name === "log_execution") count[from] = { [name]: () => void taken++ };
  }
  const instantiator = async (imports) => {
    const all = { ...imports };
    for (const [from, added] of Object.entries(count)) all[from] = { ...all[from], ...added };
    return { module, instance: await WebAssembly.instantiate(module, all) };
  };
  return { instantiator };
}
