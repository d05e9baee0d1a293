// The checksum that frames of smart meters carry.

/** CRC-16/X-25 (ISO/IEC 13239). */
export function crcX25(bytes: Uint8Array): number {
  let sum = 0xffff
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >> 1) ^ 0x8408 : sum >> 1
  }
  return sum ^ 0xffff
}
