import type { Instant } from '../../core/instant.ts';
import type { DirectoryId, DirectoryLink } from '../../core/user.ts';

/** The columns that say which entry of the directory a user or a group is. */
export interface DirectoryLinkRow {
  readonly directory_id: string | null;
  readonly directory_dn: string | null;
  readonly directory_gone_at: number | null;
}

/** The entry of the directory that a user or a group is; null: it is known here only. */
export function directoryLinkOf({
  directory_id: id,
  directory_dn: dn,
  directory_gone_at: goneAt,
}: DirectoryLinkRow): DirectoryLink | null {
  return id === null || dn === null ? null : { id: id as DirectoryId, dn, goneAt: goneAt as Instant | null };
}
