/** What filled a memory that ran out: by a report, or by the last sample before it. */

/** What filled the memory that ran out. Bytes; what is not known is absent. */
export interface MemoryUse {
  /** the limit, or of a node its RAM */
  whole?: number;
  used?: number;
  anon?: number;
  /** page cache, without tmpfs */
  file?: number;
  /** of it what was not on disk yet */
  dirty?: number;
  shmem?: number;
  kernel?: number;
  /** page cache that was thrown out and had to be read again, since the cgroup began */
  refaulted?: number;
}
