// Reads from a program's header which platform it is for, so that no package ships the wrong server.

const ELF = { 0x3e: "linux-x64", 0xb7: "linux-arm64", 0x28: "linux-armhf" };
const MACH_O = { 0x01000007: "darwin-x64", 0x0100000c: "darwin-arm64" };
const PE = { 0x8664: "win32-x64", 0xaa64: "win32-arm64" };

/** The platform in VS Code's words (a musl program is a linux one), or "an unknown platform". */
export function platformOf(program) {
  const unknown = "an unknown platform";
  if (program.length < 64) return unknown;
  if (program.readUInt32BE(0) === 0x7f454c46) return ELF[program.readUInt16LE(18)] ?? unknown;
  if (program.readUInt32LE(0) === 0xfeedfacf) return MACH_O[program.readUInt32LE(4)] ?? unknown;
  if (program.toString("latin1", 0, 2) === "MZ") {
    const header = program.readUInt32LE(60);
    if (header + 6 <= program.length && program.toString("latin1", header, header + 2) === "PE") {
      return PE[program.readUInt16LE(header + 4)] ?? unknown;
    }
  }
  return unknown;
}
