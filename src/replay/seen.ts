/** Which records have been handed on already, by log.record.uid, so that a kill in two captures is one record. */

export interface Seen {
  /** @returns false where the UID has been added before, as far as is remembered */
  add(uid: string): boolean;
}

/** About 10 MB. A kill that comes again after so many others is taken for another one. */
const MAX_UIDS = 65_536;

/** Remembers the last UIDs; the oldest is forgotten first, so memory is bounded whatever the input. */
export function createSeen(maxUids = MAX_UIDS): Seen {
  const uids = new Set<string>();
  return {
    add(uid) {
      if (uids.has(uid)) return false;
      uids.add(uid);
      if (uids.size > maxUids) uids.delete(uids.values().next().value ?? "");
      return true;
    },
  };
}
