export function platformOf(program: Buffer): string;
