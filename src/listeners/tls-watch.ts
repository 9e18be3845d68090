import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

export interface FileWatch {
  close(): void;
}

export interface FileWatchOptions {
  readonly paths: readonly string[];
  readonly everyMs: number;
  /** The files hold something new, and held the same the time before: nobody is in the middle of writing them. */
  readonly onChange: () => void;
}

/**
 * Answers when it has looked for the first time: changes are told from then on. Looks at what the files hold, again and again. By content and path, not by events of the file system: so renames,
 * swapped symbolic links at any place of the path, and mounted volumes are all the same. A file that cannot be read
 * counts as content too: the change to it and back is told.
 */
export async function watchFiles({ paths, everyMs, onChange }: FileWatchOptions): Promise<FileWatch> {
  let isClosed = false;
  let known = await digestOf(paths);
  let before = known;
  const look = async (): Promise<void> => {
    const now = await digestOf(paths);
    if (isClosed) return;
    if (now !== known && now === before) {
      known = now;
      onChange();
    }
    before = now;
    schedule();
  };
  let timer: NodeJS.Timeout | undefined;
  const schedule = (): void => {
    timer = setTimeout(() => void look(), everyMs).unref();
  };
  schedule();
  return {
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

/** A digest, so that a key is not kept. Never rejects. */
async function digestOf(paths: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const path of paths) {
    const content = await readFile(path).catch((error: unknown) => String(error));
    hash.update(`${content.length} `).update(content);
  }
  return hash.digest("base64");
}
