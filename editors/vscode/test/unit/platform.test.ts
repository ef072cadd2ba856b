import * as assert from "node:assert/strict";
import { platformOf } from "../../scripts/platform.mjs";

function header(write: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(128);
  write(bytes);
  return bytes;
}

describe("platformOf", () => {
  const cases: [string, Buffer][] = [
    ["linux-arm64", header((bytes) => {
      bytes.writeUInt32BE(0x7f454c46, 0);
      bytes.writeUInt16LE(0xb7, 18);
    })],
    ["darwin-x64", header((bytes) => {
      bytes.writeUInt32LE(0xfeedfacf, 0);
      bytes.writeUInt32LE(0x01000007, 4);
    })],
    ["win32-x64", header((bytes) => {
      bytes.write("MZ", 0);
      bytes.writeUInt32LE(96, 60);
      bytes.write("PE", 96);
      bytes.writeUInt16LE(0x8664, 100);
    })],
    ["an unknown platform", Buffer.from("#!/bin/sh\n")],
    ["an unknown platform", header((bytes) => {
      bytes.write("MZ", 0);
      bytes.writeUInt32LE(0xffff_ffff, 60);
    })],
  ];
  for (const [platform, bytes] of cases) {
    it(`reads ${platform} (${bytes.toString("latin1", 0, 2).replace(/[^ -~]/g, ".")})`, () => {
      assert.equal(platformOf(bytes), platform);
    });
  }
});
