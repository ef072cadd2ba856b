/**
 * The entry that VS Code calls inside its extension host: a module that exports run(). The same contract as
 * @vscode/test-electron's extensionTestsPath, so a desktop VS Code can run it too.
 */
import Mocha from "mocha";

export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: "bdd", color: false, timeout: 45_000, reporter: "spec" });
  mocha.suite.emit("pre-require", globalThis, "", mocha);
  await import("./extension.test");
  let passed = 0;
  const failed = await new Promise<number>((resolve) => {
    mocha.run(resolve).on("pass", () => passed++);
  });
  console.log(`host tests: ${passed} passed, ${failed} failed`);
  if (failed > 0) {
    throw new Error(`${failed} tests failed`);
  }
}
