import { type FileHandle, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { UserError } from '../ops/user-error';

/**
 * Reads a file as text.
 *
 * @returns undefined if there is none
 * @throws UserError if it cannot be read
 */
export async function readIfPresent(file: string): Promise<string | undefined> {
  return await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') {
      return undefined;
    }
    throw new UserError([`Cannot read ${file}: ${error.message}.`]);
  });
}

/**
 * Changes a file, or creates it for its owner alone. Readers see the old file or the new one, never a part. The new
 * version is written beside it first, as `….new`. That file also locks out other commands: none can undo another's
 * change. Follows a symbolic link.
 *
 * @param change gets the text, undefined without a file, and returns the new one
 * @throws UserError if the file cannot be used or written, or is changed at the same time; also what `change` throws
 */
export async function changeFile(file: string, change: (text: string | undefined) => string): Promise<void> {
  const target = await realpath(file).catch(() => file);
  const draft = `${target}.new`;
  const handle = await open(draft, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw new UserError([
      error.code === 'EEXIST'
        ? `Another command is changing ${file}. If none is running, delete ${draft}.`
        : `Cannot write ${file}: ${error.message}. Run the command where this folder can be written.`,
    ]);
  });
  try {
    const before = await readIfPresent(target);
    const text = change(before);
    await keepOwner(handle, target);
    await handle.writeFile(text);
    await handle.sync();
    if ((await readIfPresent(target)) !== before) {
      throw new UserError([`${file} was changed at the same time: run the command again.`]);
    }
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    throw code === undefined ? error : new UserError([`Cannot write ${file}: ${message}.`]);
  } finally {
    await handle.close();
  }
}

/** Gives a new version the owner and mode of the file it replaces: the server must still be able to read it. */
async function keepOwner(handle: FileHandle, file: string): Promise<void> {
  const [before, now] = await Promise.all([stat(file).catch(() => undefined), handle.stat()]);
  if (before === undefined) {
    return;
  }
  if (before.uid !== now.uid || before.gid !== now.gid) {
    await handle.chown(before.uid, before.gid).catch(() => {
      throw new UserError([`${file} belongs to another user or group: run the command as that user.`]);
    });
  }
  await handle.chmod(before.mode & 0o777);
}
