import { userInfo } from 'node:os';

/** The name of the account that runs the program; undefined under a number that no account has, as in a container. */
export function accountName(): string | undefined {
  return account()?.username;
}

/** Whether the program may do what root may. */
export function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

/** The account's home: as HOME says where it is a path, else as the system knows it; without an account `/`. */
export function homeFolder(environment: { readonly HOME?: string | undefined }): string {
  const { HOME } = environment;
  return HOME?.startsWith('/') ? HOME : (account()?.homedir ?? '/');
}

function account() {
  try {
    return userInfo();
  } catch {
    return undefined;
  }
}
