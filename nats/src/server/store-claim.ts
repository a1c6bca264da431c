/**
 * JetStream's folder for one server at a time: locked for as long as the server lives, and taken only when no other server is
 * left on it. A launcher's lock ends with the launcher, and the server that it leaves behind a little later.
 */
import { type FolderLockOptions, lockFolder } from "./folder-lock.ts";
import { forgetPid, notePid, waitForOtherServer } from "./other-server.ts";

export interface StoreClaim {
  /** Aborts when another machine took the folder. */
  readonly lost: AbortSignal;
  servedBy(pid: number): void;
  /** Once the server is gone. */
  release(): void;
}

export interface StoreClaimOptions {
  storeDir: string;
  /** That servers on this folder are started with. */
  configFile: string;
  program: string;
  log: FolderLockOptions["log"];
}

export async function claimStore({ storeDir, configFile, program, log }: StoreClaimOptions): Promise<StoreClaim> {
  const lock = await lockFolder(storeDir, { name: "JetStream's folder", setting: "NATS_STORE_DIR", program, log });
  try {
    await waitForOtherServer({ storeDir, configFile, log });
  } catch (error) {
    lock.release();
    throw error;
  }
  let released = false;
  return {
    lost: lock.lost,
    servedBy: (pid) => notePid(storeDir, pid),
    release() {
      if (released) return;
      released = true;
      forgetPid(storeDir);
      lock.release();
    },
  };
}
