/** What a kill is told by that `oomscribe doctor --test-kill` has made: its names, which nobody else has by chance. */

/** What the cgroup's name begins with; eight hex digits follow. */
export const TEST_CGROUP = "oomscribe-doctor-";
/** COMM of the process that is killed there. */
export const TEST_COMM = "oomscribe-test";

const IN_TEST_CGROUP = new RegExp(`/${TEST_CGROUP}[0-9a-f]{8}$`);

/**
 * Both names must be the test's. A container that may make cgroups can have them too, for a kill of its own.
 * @param comm undefined: not known, as no log line and no tracepoint told
 */
export function isTestKill(victimCgroup: string | undefined, comm: string | undefined): boolean {
  return victimCgroup !== undefined && IN_TEST_CGROUP.test(victimCgroup) && (comm ?? TEST_COMM) === TEST_COMM;
}
