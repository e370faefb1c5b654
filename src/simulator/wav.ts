const SAMPLES_PER_SECOND = 8_000;

/** A tenth of a second of silence, as a WAV file with one channel of 8 bits. */
export function createSilentWav(): Buffer {
  const samples = Buffer.alloc(SAMPLES_PER_SECOND / 10, 0x80);
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(header.length - 8 + samples.length, 4);
  header.write('WAVEfmt ', 8);
  // The length of the format: PCM, one channel, samples and bytes per second, bytes and bits per sample.
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLES_PER_SECOND, 24);
  header.writeUInt32LE(SAMPLES_PER_SECOND, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}
